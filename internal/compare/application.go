package compare

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"ebbgate/internal/lab"
)

// What the parent asks of the process that serves.
const (
	orderState  = "state"
	orderStall  = "stall"
	orderResume = "resume"
)

// serverState is what the process answers to every order.
type serverState struct {
	Counts  lab.ServerCounts
	Waiting int
}

// Serve is the server that is attacked, as a process of its own: its CPU can be told from that of
// clients and attackers. It reads a lab.ServerConfig from in, then orders, all as JSON, answers each on
// out, and ends with the end of in.
func Serve(ctx context.Context, in io.Reader, out io.Writer) (err error) {
	decoder, encoder := json.NewDecoder(in), json.NewEncoder(out)
	var config lab.ServerConfig
	if err := decoder.Decode(&config); err != nil {
		return fmt.Errorf("read how to serve: %w", err)
	}
	here, closeHere, err := lab.Here("victim")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeHere()) }()
	server, err := lab.StartServer(ctx, here, config)
	if err != nil {
		return err
	}
	return serveOrders(server, decoder, encoder)
}

func serveOrders(server *lab.Server, in *json.Decoder, out *json.Encoder) error {
	for {
		if err := out.Encode(serverState{server.Counts(), server.Waiting()}); err != nil {
			return fmt.Errorf("answer: %w", err)
		}
		var order string
		if err := in.Decode(&order); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read an order: %w", err)
		}
		switch order {
		case orderState:
		case orderStall:
			server.Stall()
		case orderResume:
			server.Resume()
		default:
			return fmt.Errorf("the order %q is unknown, must be %q, %q or %q", order, orderState, orderStall, orderResume)
		}
	}
}
