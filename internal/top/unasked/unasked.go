// Package unasked keeps every command of the program from asking the terminal for its background.
//
// Bubble Tea asks when it is loaded, which is in each command, the daemon among them: the question
// would be written to the terminal, what was typed ahead be lost, and a terminal that is silent to it
// waited for. The answer is given here first. Go initialises what is ready in the order of import paths,
// and this package, which needs Lip Gloss only, comes before Bubble Tea. A test holds it to that.
package unasked

import "github.com/charmbracelet/lipgloss"

// Package top chooses colours that are readable on both, and has no use for the answer.
func init() { lipgloss.SetHasDarkBackground(true) }
