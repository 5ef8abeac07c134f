package database

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// postgresConns bounds the connections of one process: ten processes stay
	// within PostgreSQL's default of 100.
	postgresConns = 8
	// postgresIdle closes connections that nobody used for so long.
	postgresIdle = 5 * time.Minute
)

func openPostgres(text string) (*DB, error) {
	cfg, err := pgx.ParseConfig(text)
	if err != nil {
		// pgx masks the password in its own text "on a best-effort basis" only,
		// so that text is not shown at all.
		return nil, fmt.Errorf("%w, of valid syntax, special characters percent-encoded, with settings that PostgreSQL knows", ErrURL)
	}
	pool := stdlib.OpenDB(*cfg)
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	pool.SetConnMaxIdleTime(postgresIdle)
	return &DB{DB: pool, Dialect: Postgres}, nil
}

// Error codes of PostgreSQL, Appendix A.
const (
	uniqueViolation      = "23505"
	checkViolation       = "23514" // also: no partition for a row
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

func postgresCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}
