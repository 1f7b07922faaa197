package policy

import (
	"encoding"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Each method here reads one value. A nil value is absent, or of a wrong type and already
// reported: it yields the default.

func (p *parser) mode(path string, raw *string, absent Mode) Mode {
	p.word(path, raw, &absent)
	return absent
}

func (p *parser) refusal(path string, raw *string) Refusal {
	refusal := DefaultRefuseWith
	p.word(path, raw, &refusal)
	return refusal
}

// word reads one of a few words; dst keeps its value if raw is nil or wrong.
func (p *parser) word(path string, raw *string, dst encoding.TextUnmarshaler) {
	if raw == nil {
		return
	}
	if err := dst.UnmarshalText([]byte(shorten(*raw, 60))); err != nil {
		p.problem(path, "%v", err)
	}
}

func (p *parser) integer(path string, raw *int64, absent, least, most int) int {
	if raw == nil {
		return absent
	}
	if *raw < int64(least) || *raw > int64(most) {
		p.problem(path, "%d is out of range, must be %d to %d", *raw, least, most)
		return absent
	}
	return int(*raw)
}

func (p *parser) duration(path string, raw *string, absent, least, most time.Duration) time.Duration {
	if raw == nil {
		return absent
	}
	d, err := time.ParseDuration(*raw)
	if err != nil {
		p.problem(path, "%s is not a duration, must be a number with the unit ms, s, m or h, from %s to %s",
			quote(*raw), Brief(least), Brief(most))
		return absent
	}
	if d < least || d > most {
		p.problem(path, "%s is out of range, must be %s to %s", quote(*raw), Brief(least), Brief(most))
		return absent
	}
	return d
}

// share reads a percentage of one core with at most one decimal and returns thousandths.
func (p *parser) share(path string, raw *string) int {
	if raw == nil {
		return DefaultCPUBudget
	}
	number, percent := strings.CutSuffix(*raw, "%")
	whole, decimal, pointed := strings.Cut(number, ".")
	if !pointed {
		decimal = "0"
	}
	n, err := strconv.ParseUint(whole+decimal, 10, 31)
	if !percent || err != nil || whole == "" || len(decimal) != 1 {
		p.problem(path, "%s is not a percentage, must be %s to %s with at most one decimal",
			quote(*raw), percentage(MinCPUBudget), percentage(MaxCPUBudget))
		return DefaultCPUBudget
	}
	if n < MinCPUBudget || n > MaxCPUBudget {
		p.problem(path, "%s is out of range, must be %s to %s", quote(*raw), percentage(MinCPUBudget), percentage(MaxCPUBudget))
		return DefaultCPUBudget
	}
	return int(n)
}

// rate reads events per second, such as "200/s".
func (p *parser) rate(path string, raw *string, absent, least, most int) int {
	if raw == nil {
		return absent
	}
	number, perSecond := strings.CutSuffix(*raw, "/s")
	n, err := strconv.ParseUint(number, 10, 31)
	if !perSecond || err != nil {
		p.problem(path, "%s is not a rate, must be a whole number a second, \"%d/s\" to \"%d/s\"", quote(*raw), least, most)
		return absent
	}
	if n < uint64(least) || n > uint64(most) {
		p.problem(path, "%s is out of range, must be \"%d/s\" to \"%d/s\"", quote(*raw), least, most)
		return absent
	}
	return int(n)
}

// percentage writes thousandths the way the policy file does: "5%", "0.1%".
func percentage(thousandths int) string {
	if thousandths%10 == 0 {
		return fmt.Sprintf("%d%%", thousandths/10)
	}
	return fmt.Sprintf("%d.%d%%", thousandths/10, thousandths%10)
}

// Brief writes a duration without the zero parts that Duration.String adds: "10m", not "10m0s".
func Brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
