package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is an instant on the wire: RFC 3339, UTC, milliseconds. The zero Time is null: never.
type Time struct{ time.Time }

// TimeOf returns t as the wire carries it, in UTC and truncated to milliseconds.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}
}

// MarshalJSON writes the wire form. A year RFC 3339 cannot carry is written as null, so that one
// absurd clock reading does not cost the whole answer.
func (t Time) MarshalJSON() ([]byte, error) {
	u := t.UTC()
	if t.IsZero() || u.Year() < 0 || u.Year() > 9999 {
		return []byte("null"), nil
	}
	return u.AppendFormat(nil, `"`+timeLayout+`"`), nil
}

// UnmarshalJSON reads any RFC 3339 time, and null as the zero Time.
func (t *Time) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*t = Time{}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("decode time: %w", err)
	}
	p, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("decode time %q: want RFC 3339", s)
	}
	*t = TimeOf(p)
	return nil
}

// Duration is a length of time on the wire: a number of seconds, with microseconds as its finest
// fraction.
type Duration time.Duration

func (d Duration) std() time.Duration { return time.Duration(d) }

// maxSeconds is the largest length a Duration holds, about 292 years.
const maxSeconds = float64(math.MaxInt64/int64(time.Second)) - 1

// MarshalJSON writes seconds.
func (d Duration) MarshalJSON() ([]byte, error) {
	s := time.Duration(d).Round(time.Microsecond).Seconds()
	return strconv.AppendFloat(nil, s, 'f', -1, 64), nil
}

// UnmarshalJSON reads seconds. Lengths over 292 years are an error, and so is what would be rounded to 0, which
// stands for something else.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s float64
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("decode duration: %w", err)
	}
	if math.Abs(s) > maxSeconds {
		return fmt.Errorf("decode duration: %g seconds is out of range", s)
	}
	*d = Duration(math.Round(s*1e6)) * Duration(time.Microsecond)
	if *d == 0 && s != 0 {
		return fmt.Errorf("decode duration: %g seconds is less than a microsecond", s)
	}
	return nil
}

// Rate is a number per second. What is not a number, or infinite, is written as 0: JSON has
// neither, and one division by zero must not cost the whole answer.
type Rate float64

// MarshalJSON writes the number, rounded to thousandths.
func (r Rate) MarshalJSON() ([]byte, error) {
	f := math.Round(float64(r)*1000) / 1000
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = 0
	}
	return strconv.AppendFloat(nil, f, 'f', -1, 64), nil
}
