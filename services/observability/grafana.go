package observability

import (
	"encoding/json"
	"fmt"
)

// The part of Grafana's dashboard JSON that is used here.

// Dashboard is one dashboard.
type Dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	Timezone      string     `json:"timezone"`
	SchemaVersion int        `json:"schemaVersion"`
	Refresh       string     `json:"refresh"`
	Time          timeRange  `json:"time"`
	Links         []link     `json:"links"`
	Templating    templating `json:"templating"`
	Panels        []Panel    `json:"panels"`
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	URL         string   `json:"url,omitempty"`
	AsDropdown  bool     `json:"asDropdown,omitempty"`
	IncludeVars bool     `json:"includeVars,omitempty"`
	KeepTime    bool     `json:"keepTime,omitempty"`
	TargetBlank bool     `json:"targetBlank,omitempty"`
}

type templating struct {
	List []variable `json:"list"`
}

type variable struct {
	Name    string  `json:"name"`
	Label   string  `json:"label"`
	Type    string  `json:"type"`
	Query   string  `json:"query"`
	Current *choice `json:"current,omitempty"`
	Hide    int     `json:"hide"`
}

type choice struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

// Panel is one panel, or the heading of a row of them.
type Panel struct {
	ID          int          `json:"id"`
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Description string       `json:"description,omitempty"`
	Datasource  *source      `json:"datasource,omitempty"`
	GridPos     position     `json:"gridPos"`
	Targets     []Target     `json:"targets,omitempty"`
	FieldConfig *fieldConfig `json:"fieldConfig,omitempty"`
	Options     object       `json:"options,omitempty"`
	Collapsed   *bool        `json:"collapsed,omitempty"`
}

type object map[string]any

// source is a data source, named by the dashboard's variable.
type source struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type position struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Target is one query.
type Target struct {
	RefID        string  `json:"refId"`
	Datasource   *source `json:"datasource"`
	Expr         string  `json:"expr,omitempty"`
	LegendFormat string  `json:"legendFormat,omitempty"`
	Exemplar     bool    `json:"exemplar,omitempty"`
	Instant      bool    `json:"instant,omitempty"`
	Format       string  `json:"format,omitempty"`
	Query        string  `json:"query,omitempty"`
	QueryType    string  `json:"queryType,omitempty"`
	TableType    string  `json:"tableType,omitempty"`
	Limit        int     `json:"limit,omitempty"`
}

type fieldConfig struct {
	Defaults  fieldDefaults `json:"defaults"`
	Overrides []override    `json:"overrides"`
}

type fieldDefaults struct {
	Unit       string      `json:"unit,omitempty"`
	Min        *float64    `json:"min,omitempty"`
	Decimals   *int        `json:"decimals,omitempty"`
	Custom     object      `json:"custom,omitempty"`
	Links      []link      `json:"links,omitempty"`
	Thresholds *thresholds `json:"thresholds,omitempty"`
}

type override struct {
	Matcher    object   `json:"matcher"`
	Properties []object `json:"properties"`
}

type thresholds struct {
	Mode  string      `json:"mode"`
	Steps []threshold `json:"steps"`
}

type threshold struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

var (
	prometheus = &source{Type: "prometheus", UID: "${prometheus}"}
	loki       = &source{Type: "loki", UID: "${loki}"}
	tempo      = &source{Type: "tempo", UID: "${tempo}"}
)

func sourceVariable(kind, label string) variable {
	return variable{Name: kind, Label: label, Type: "datasource", Query: kind}
}

func textVariable(name, label, value string) variable {
	return variable{Name: name, Label: label, Type: "textbox", Query: value, Current: &choice{Text: value, Value: value}}
}

// query is an expression and what its series are called.
type query struct {
	expr, legend string
	// traces says that its histogram has exemplars.
	traces bool
}

// width of a dashboard, and what panels take of it.
const (
	width       = 24
	statWidth   = 4
	statHeight  = 4
	graphWidth  = 12
	graphHeight = 8
)

// layout puts panels side by side, and below one another.
type layout struct {
	panels    []Panel
	x, y, row int
}

func (l *layout) place(p Panel, w, h int) {
	if l.x+w > width || h != l.row && l.x > 0 {
		l.x, l.y = 0, l.y+l.row
	}
	p.ID = len(l.panels) + 1
	p.GridPos = position{H: h, W: w, X: l.x, Y: l.y}
	l.x, l.row = l.x+w, h
	l.panels = append(l.panels, p)
}

// heading begins a row of panels.
func (l *layout) heading(title string) {
	if l.x > 0 {
		l.x, l.y = 0, l.y+l.row
	}
	open := false
	l.place(Panel{Type: "row", Title: title, Collapsed: &open}, width, 1)
}

func targets(queries []query) (all []Target) {
	for n, q := range queries {
		all = append(all, Target{
			RefID: string(rune('A' + n)), Datasource: prometheus, Expr: q.expr, LegendFormat: q.legend, Exemplar: q.traces,
		})
	}
	return all
}

// graph is lines over time.
func (l *layout) graph(title, description, unit string, queries ...query) {
	zero := 0.0
	l.place(Panel{
		Type: "timeseries", Title: title, Description: description, Datasource: prometheus, Targets: targets(queries),
		FieldConfig: &fieldConfig{
			Defaults: fieldDefaults{Unit: unit, Min: &zero, Custom: object{
				"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "auto", "spanNulls": false,
			}},
			Overrides: []override{},
		},
		Options: object{
			"legend":  object{"displayMode": "list", "placement": "bottom", "showLegend": true},
			"tooltip": object{"mode": "multi", "sort": "desc"},
		},
	}, graphWidth, graphHeight)
}

// stat is one number, red from a limit on; limit 0: it never is.
func (l *layout) stat(title, description, unit string, limit float64, expr string) {
	steps := []threshold{{Color: "green"}}
	if limit > 0 {
		steps = append(steps, threshold{Color: "red", Value: &limit})
	}
	l.place(Panel{
		Type: "stat", Title: title, Description: description, Datasource: prometheus, Targets: targets([]query{{expr: expr}}),
		FieldConfig: &fieldConfig{
			Defaults:  fieldDefaults{Unit: unit, Thresholds: &thresholds{Mode: "absolute", Steps: steps}},
			Overrides: []override{},
		},
		Options: object{"colorMode": "value", "graphMode": "area", "reduceOptions": object{"calcs": []string{"lastNotNull"}}},
	}, statWidth, statHeight)
}

// heatmap is a histogram over time; a point on it is a trace.
func (l *layout) heatmap(title, description, metric string) {
	l.place(Panel{
		Type: "heatmap", Title: title, Description: description, Datasource: prometheus,
		Targets: []Target{{
			RefID: "A", Datasource: prometheus, Format: "heatmap", LegendFormat: "{{le}}", Exemplar: true,
			Expr: fmt.Sprintf("sum by (le) (increase(%s_bucket[$__rate_interval]))", metric),
		}},
		Options: object{"calculate": false, "yAxis": object{"unit": "s"}, "color": object{"scheme": "Blues", "mode": "scheme"}},
	}, graphWidth, graphHeight)
}

// JSON is the dashboard as Grafana imports it.
func (d *Dashboard) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", d.UID, err)
	}
	return append(text, '\n'), nil
}
