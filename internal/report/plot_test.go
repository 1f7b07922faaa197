package report

import (
	"strings"
	"testing"
	"time"

	"ebbgate/control"
)

func TestCeilingLeavesRoom(t *testing.T) {
	for most, want := range map[int]int{0: 4, 1: 4, 3: 4, 4: 6, 5: 6, 12: 16, 95: 100, 96: 120, 100: 120, 2512: 3000, 90211: 100000, 1 << 31: 2400000000} {
		if got := ceiling(most); got != want {
			t.Errorf("an axis for %d goes up to %d, want %d", most, got, want)
		}
	}
	for most := range 5000 {
		if top := ceiling(most); top <= most || top%2 != 0 || top > 2*most+4 {
			t.Fatalf("an axis for %d goes up to %d", most, top)
		}
	}
}

func TestTimesAreRoundAndFew(t *testing.T) {
	kolkata := time.FixedZone("IST", 5*3600+1800)
	for _, tt := range []struct {
		long  time.Duration
		zone  *time.Location
		first string
	}{
		{3 * time.Second, berlin, "03:59:01"}, {40 * time.Second, berlin, "03:59:10"}, {3 * time.Minute, berlin, "04:00"},
		{2 * time.Hour, kolkata, "08:30"}, {30 * time.Hour, berlin, "14 Mar 12:00"}, {90 * 24 * time.Hour, berlin, ""},
	} {
		x := span{begin, begin.Add(tt.long)}
		got := x.times(clock{tt.zone, begin.In(tt.zone)})
		if len(got) < 1 || len(got) > mostTicks+1 || tt.first != "" && got[0].Text != tt.first {
			t.Errorf("over %v the times are %+v, want the first to be %s", tt.long, got, tt.first)
		}
		for _, k := range got {
			if !strings.HasSuffix(k.At, "%") || k.Anchor == "" {
				t.Errorf("over %v a time is %+v", tt.long, k)
			}
		}
	}
}

// sampled are samples at so many seconds after the beginning, each of which holds 10 connections.
func sampled(seconds ...int) []control.Sample {
	var out []control.Sample
	for _, s := range seconds {
		out = append(out, control.Sample{At: at(time.Duration(s) * time.Second), Held: 10})
	}
	return out
}

func TestHoles(t *testing.T) {
	x := span{begin, begin.Add(100 * time.Second)}
	whole := make([]int, 100)
	for i := range whole {
		whole[i] = i
	}
	for _, tt := range []struct {
		name string
		list []control.Sample
		want [][2]int
	}{
		{"none", sampled(whole...), nil},
		{"a little late", sampled(append([]int{0, 4, 9}, whole[10:]...)...), nil},
		{"within", sampled(append([]int{0}, whole[40:]...)...), [][2]int{{1, 40}}},
		{"before the first", sampled(whole[20:]...), [][2]int{{0, 20}}},
		{"after the last", sampled(whole[:70]...), [][2]int{{70, 100}}},
		{"three", sampled(10, 50), [][2]int{{0, 10}, {11, 50}, {51, 100}}},
	} {
		got := holes(tt.list, time.Second, x)
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			continue
		}
		for i, w := range tt.want {
			if from, to := got[i].from.Sub(begin), got[i].to.Sub(begin); from != time.Duration(w[0])*time.Second || to != time.Duration(w[1])*time.Second {
				t.Errorf("%s: from %v to %v, want %v", tt.name, from, to, w)
			}
		}
	}
}

func TestCurve(t *testing.T) {
	list := sampled(0, 1, 2, 6)
	list[1].Held, list[2].Held = 5, -3
	x := span{begin, begin.Add(10 * time.Second)}
	line, area := curve(list, time.Second, x, []hole{{begin.Add(3 * time.Second), begin.Add(6 * time.Second)}}, 10, held)
	if want := "M0 0H100V500H200V1000H300M600 0H700"; line != want {
		t.Errorf("the line is %s, want %s", line, want)
	}
	if want := "M0 1000V0H100V500H200V1000H300V1000ZM600 1000V0H700V1000Z"; area != want {
		t.Errorf("the area is %s, want %s", area, want)
	}
	if line, _ := curve(sampled(0, 5), time.Second, x, nil, 5, held); line != "M0 0H500V0H600" {
		t.Errorf("beyond the axis, and without a gap: %s", line)
	}
}

func TestSpan(t *testing.T) {
	for _, tt := range []struct {
		name     string
		ended    time.Duration // 0: it is open
		now      time.Duration
		list     []control.Sample
		from, to time.Duration
	}{
		{"ended", 20 * time.Second, time.Hour, sampled(0, 19), 0, 20 * time.Second},
		{"ended, and samples end before", 200 * time.Second, time.Hour, sampled(0, 19), 0, 200 * time.Second},
		{"ended, within the step of the last", 19500 * time.Millisecond, time.Hour, sampled(0, 19), 0, 19500 * time.Millisecond},
		{"open", 0, 30 * time.Second, sampled(0, 19), 0, 20 * time.Second},
		{"open, and nothing was kept for long", 0, 5 * time.Minute, sampled(0, 19), 0, 5 * time.Minute},
		{"samples from before", time.Second, time.Hour, sampled(-2, 0), -2 * time.Second, time.Second},
		{"no time at all", 0, 0, sampled(-5, 0), -5 * time.Second, time.Second},
	} {
		f := &Facts{Attack: &control.Attack{Since: at(0)}, Samples: &control.Samples{Samples: tt.list}, At: begin.Add(tt.now)}
		if tt.ended > 0 {
			f.Attack.Ended = at(tt.ended)
		}
		if x := spanOf(f, time.Second); x.from.Sub(begin) != tt.from || x.to.Sub(begin) != tt.to {
			t.Errorf("%s: from %v to %v, want %v to %v", tt.name, x.from.Sub(begin), x.to.Sub(begin), tt.from, tt.to)
		}
	}
}

func TestMarksLeaveRoomForNumbers(t *testing.T) {
	x := span{begin, begin.Add(100 * time.Second)}
	var all []entry
	for i, s := range []int{0, 1, 4, 5, 50, 100} {
		all = append(all, entry{Mark: i + 1, At: begin.Add(time.Duration(s) * time.Second), Class: "care", What: "moment"})
	}
	got := marks(x, all)
	numbers := ""
	for _, m := range got {
		numbers += m.Number + ","
	}
	if len(got) != 6 || numbers != "1,,,4,5,6," || got[5].X != "100.00%" || got[2].What != "3: moment" {
		t.Errorf("marks %+v with numbers %s", got, numbers)
	}
}

func TestPlotsAreOfWhatWasMeasured(t *testing.T) {
	f := flood()
	for i := range f.Samples.Samples {
		x := &f.Samples.Samples[i]
		*x = control.Sample{At: x.At, Held: 5, Within: 5}
	}
	got, notes := plots(f, newClock(f), nil)
	if len(got) != 2 || got[0].Title != "Connections held" || got[1].Title != "Waiting for the application" {
		t.Fatalf("%d plots: %+v", len(got), got)
	}
	if len(got[0].Gaps) != 1 || got[0].Gaps[0].X != "31.58%" || got[0].Gaps[0].Width != "15.79%" {
		t.Errorf("gaps %+v", got[0].Gaps)
	}
	if n := len(got[0].Levels); n != 4 || got[0].Levels[3].Text != "capacity 2,500" || !got[0].Levels[3].Limit {
		t.Errorf("levels %+v", got[0].Levels)
	}
	if len(notes) != 2 || !strings.Contains(notes[1], "30s") {
		t.Errorf("notes %q", notes)
	}
	f.Attack.Ended, f.At = control.Time{}, begin.Add(3*time.Minute)
	if _, notes := plots(f, newClock(f), nil); !strings.Contains(notes[len(notes)-1], "The attack is open") {
		t.Errorf("notes %q", notes)
	}
}
