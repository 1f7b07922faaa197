package control

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestScalarsEncode(t *testing.T) {
	east := time.FixedZone("east", 2*3600)
	for _, tt := range []struct {
		name string
		in   any
		want string
	}{
		{"no time", Time{}, `null`},
		{"time in UTC with milliseconds", TimeOf(time.Date(2026, 3, 14, 5, 2, 10, 123456789, east)), `"2026-03-14T03:02:10.123Z"`},
		{"time without fraction keeps three digits", TimeOf(time.Date(2026, 3, 14, 3, 2, 10, 0, time.UTC)), `"2026-03-14T03:02:10.000Z"`},
		{"year nobody can write", Time{time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}, `null`},
		{"no duration", Duration(0), `0`},
		{"seconds", Duration(28 * time.Second), `28`},
		{"fraction", Duration(28400 * time.Millisecond), `28.4`},
		{"rounded to microseconds", Duration(1499), `0.000001`},
		{"negative", Duration(-1500 * time.Millisecond), `-1.5`},
		{"longest", Duration(math.MaxInt64), `9223372036.854776`},
		{"rate", Rate(1.23456), `1.235`},
		{"rate that is not a number", Rate(math.NaN()), `0`},
		{"infinite rate", Rate(math.Inf(1)), `0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := json.Marshal(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if string(b) != tt.want {
				t.Errorf("got %s, want %s", b, tt.want)
			}
		})
	}
}

func TestTimeDecode(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Time
		ok   bool
	}{
		{`null`, Time{}, true},
		{`"2026-03-14T03:02:10.000Z"`, night(3, 2, 10, 0), true},
		{`"2026-03-14T05:02:10.5+02:00"`, night(3, 2, 10, 500), true},
		{`"yesterday"`, Time{}, false},
		{`17`, Time{}, false},
	} {
		got := Time{time.Unix(1, 0)}
		err := json.Unmarshal([]byte(tt.in), &got)
		if (err == nil) != tt.ok {
			t.Errorf("%s: error %v, want ok %v", tt.in, err, tt.ok)
		}
		if tt.ok && got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestDurationDecode(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Duration
		ok   bool
	}{
		{`0`, 0, true},
		{`28.4`, Duration(28400 * time.Millisecond), true},
		{`-1.5`, Duration(-1500 * time.Millisecond), true},
		{`1e300`, 0, false},
		{`-1e10`, 0, false},
		{`9223372035`, Duration(9223372035 * time.Second), true},
		{`0.0000001`, 0, false},
		{`-1e-10`, 0, false},
		{`"5s"`, 0, false},
	} {
		var got Duration
		err := json.Unmarshal([]byte(tt.in), &got)
		if (err == nil) != tt.ok || got != tt.want {
			t.Errorf("%s: got %d, %v; want %d, ok %v", tt.in, got, err, tt.want, tt.ok)
		}
	}
}
