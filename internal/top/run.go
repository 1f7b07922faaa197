package top

import (
	"context"
	"fmt"
	"os"

	tea "github.com/charmbracelet/bubbletea"

	_ "ebbgate/internal/top/unasked" // before Bubble Tea is loaded
)

// framesPerSecond bounds how often the window is looked over for changes; a key shows within one frame.
const framesPerSecond = 20

// Run shows the model on a terminal until the user quits or ctx ends, neither of which is an error. Whatever the
// end, a panic included, the terminal is as it was: the screen from before, the cursor, the line discipline. An
// error names what went wrong, and the terminal being gone is one.
//
// Signals are the caller's, who ends ctx: what Bubble Tea does at SIGINT races with its own reading of keys.
func Run(ctx context.Context, m *Model, in, out *os.File) error {
	p := tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(out), tea.WithAltScreen(), tea.WithFPS(framesPerSecond),
		tea.WithoutSignalHandler())
	defer context.AfterFunc(ctx, p.Quit)()
	if _, err := p.Run(); err != nil {
		return fmt.Errorf("show the live view: %w", err)
	}
	return nil
}
