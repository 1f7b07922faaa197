package policy

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseBadBlock(t *testing.T) {
	one := func(key, value, want string) badCase {
		return badCase{key + " " + value, web + "[service.response]\n" + key + " = " + value + "\n",
			[]string{"5: service[0].response." + key + want}}
	}
	after := ` is out of range, must be 1s to 1h, or "0s" for never`
	runBad(t, []badCase{
		one("block_after", `"999ms"`, `: "999ms"`+after),
		one("block_after", `"1h1s"`, `: "1h1s"`+after),
		one("block_after", `"-10s"`, `: "-10s"`+after),
		one("block_after", `"10"`, `: "10" is not a duration, must be a number with the unit ms, s, m or h, from 1s to 1h, or "0s" for never`),
		one("block_after", `"never"`, `: "never" is not a duration, must be a number with the unit ms, s, m or h, from 1s to 1h, or "0s" for never`),
		one("block_after", "10", `: is the integer 10, must be a duration with its unit, in quotes, such as "10s"`),
		one("block_for", `"10m"`, `: is the string "10m", must be an array in square brackets`),
		one("block_for", "[]", ": has 0 entries, must be 1 to 8"),
		one("block_for", "["+strings.Repeat(`"1h",`, MaxBlockSteps+1)+"]", ": has 9 entries, must be 1 to 8"),
		one("block_for", `["9s"]`, `[0]: "9s" is out of range, must be 10s to 720h`),
		one("block_for", `["1m", "721h"]`, `[1]: "721h" is out of range, must be 10s to 720h`),
		one("block_for", `["1m", "x"]`, `[1]: "x" is not a duration, must be a number with the unit ms, s, m or h, from 10s to 720h`),
		one("block_for", `["1m", 60]`, `[1]: is the integer 60, must be a duration with its unit, in quotes, such as "10m"`),
		one("block_for", `["1h", "59m"]`, `[1]: "59m" is shorter than the 1h before it, must be 1h to 720h`),
		{"every step that is shorter", web + "response.block_for = [\n\"2h\",\n\"1h\",\n\"90m\",\n\"3h\",\n\"10m\"]\n", []string{
			`6: service[0].response.block_for[1]: "1h" is shorter than the 2h before it, must be 2h to 720h`,
			`7: service[0].response.block_for[2]: "90m" is shorter than the 2h before it, must be 2h to 720h`,
			`9: service[0].response.block_for[4]: "10m" is shorter than the 3h before it, must be 3h to 720h`,
		}},
	})
}

func TestParseBlock(t *testing.T) {
	for _, c := range []struct {
		keys  string
		after time.Duration
		steps []time.Duration
	}{
		{"", DefaultBlockAfter, DefaultBlockFor()},
		{`response.block_after = "0s"`, 0, DefaultBlockFor()},
		{`response.block_after = "90s"`, 90 * time.Second, DefaultBlockFor()},
		{`response.block_for = ["1h"]`, DefaultBlockAfter, []time.Duration{time.Hour}},
		{"response.block_after = \"0m\"\nresponse.block_for = [\"60s\", \"1m\"]", 0, []time.Duration{time.Minute, time.Minute}},
	} {
		r := mustParse(t, web+c.keys+"\n").Services[0].Response
		if r.BlockAfter != c.after || !slices.Equal(r.BlockFor, c.steps) {
			t.Errorf("%q: blocked after %v for %v, want %v for %v", c.keys, r.BlockAfter, r.BlockFor, c.after, c.steps)
		}
	}
}

// Two policies must not share the steps of the default.
func TestDefaultBlockForIsNotShared(t *testing.T) {
	a, b := mustParse(t, web), mustParse(t, web)
	a.Services[0].Response.BlockFor[0] = 0
	if b.Services[0].Response.BlockFor[0] != 10*time.Minute {
		t.Error("a change of one policy changed another")
	}
}
