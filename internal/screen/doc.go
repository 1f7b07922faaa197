// Package screen is a terminal for tests: a pseudo terminal of the kernel with an emulator behind it, so
// that a program runs as on a real one, and a test sees what a person would see.
package screen
