package config

import (
	"errors"
	"time"
)

// Duration is a time.Duration written as Go writes it ("30m", "1h30m"), in the
// YAML file, the environment, flags and the resolved JSON alike.
type Duration time.Duration

// D returns the standard library's type.
func (d Duration) D() time.Duration { return time.Duration(d) }

func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes it as time.Duration.String does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what time.ParseDuration reads; a bare number is refused
// because nobody can tell its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return errors.New("not a duration: write a number and a unit, as in 90s, 30m or 1h30m")
	}
	*d = Duration(v)
	return nil
}
