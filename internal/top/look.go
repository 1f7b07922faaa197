package top

import (
	"io"

	"github.com/charmbracelet/lipgloss"
	"github.com/muesli/termenv"
)

// look is how things stand out. A colour never says anything that words or marks do not. Only the
// terminal's own sixteen colours are used, and of those the ones that are readable on black and on white;
// yellow is a background only.
type look struct {
	color bool

	plain, strong, alarm, care, calm, subtle, chosen lipgloss.Style

	badgeAttack, badgeDegraded, badgePeace, badgeNote lipgloss.Style

	levels                               []rune // of a graph, the lowest first
	full, empty                          string // of a bar
	rule, mark, cut, up, down, arrowKeys string
}

func newLook(color, ascii bool) *look {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.ANSI)
	r.SetHasDarkBackground(true)
	ink := func(fore, back string) lipgloss.Style {
		s := r.NewStyle()
		switch {
		case !color:
			return s.Bold(true).Reverse(back != "")
		case back != "":
			s = s.Background(lipgloss.Color(back))
		}
		return s.Bold(true).Foreground(lipgloss.Color(fore))
	}
	l := &look{
		color: color,
		plain: r.NewStyle(), strong: r.NewStyle().Bold(true), subtle: r.NewStyle().Faint(true), chosen: r.NewStyle().Reverse(true),
		alarm: ink("1", ""), care: ink("5", ""), calm: ink("2", ""),
		badgeAttack: ink("15", "1"), badgeDegraded: ink("0", "3"), badgePeace: ink("0", "2"), badgeNote: ink("15", "4"),
		levels: []rune("▁▂▃▄▅▆▇█"), full: "█", empty: "░", rule: "─", mark: "▶", cut: "…", up: "↑", down: "↓", arrowKeys: "↑↓",
	}
	if ascii {
		l.levels, l.full, l.empty, l.rule, l.mark, l.cut = []rune("_.-:=+*#"), "#", ".", "-", ">", "~"
		l.up, l.down, l.arrowKeys = "^", "v", "jk"
	}
	return l
}
