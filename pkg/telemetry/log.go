// Package telemetry is what every process shows of itself: its log, its
// traces, its metrics, its health, and the listener that serves them.
package telemetry

import (
	"fmt"
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// LogFormat is how a log line looks.
type LogFormat string

// The log formats.
const (
	// JSON is one object a line, for machines.
	JSON LogFormat = "json"
	// Console is for people at a terminal.
	Console LogFormat = "console"
)

// NewLog makes a log that writes to w (in services, standard error; writes are
// serialised). level is debug, info, warn or error; empty is info.
func NewLog(w io.Writer, service, level string, format LogFormat) (*zap.Logger, error) {
	parsed := zapcore.InfoLevel
	if level != "" {
		var err error
		if parsed, err = zapcore.ParseLevel(level); err != nil {
			return nil, fmt.Errorf("log level must be debug, info, warn or error, not %q", level)
		}
	}
	encoding := zap.NewProductionEncoderConfig()
	encoding.TimeKey = "time"
	encoding.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoding.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(encoding)
	if format == Console {
		encoding.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
		encoding.EncodeLevel = zapcore.CapitalLevelEncoder
		encoding.CallerKey = zapcore.OmitKey
		encoder = zapcore.NewConsoleEncoder(encoding)
	}
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(w)), parsed)
	return zap.New(core, zap.AddCaller(), zap.AddStacktrace(zapcore.DPanicLevel)).
		With(zap.String("service", service)), nil
}
