package notify

import (
	"context"
	"time"
)

// SendTest sends one test, without retries, and returns what was sent.
func SendTest(ctx context.Context, c *Config) (*Notification, error) {
	n := compose(c.Host, []item{itemOf(own(Test, time.Now(), "asked for by ebbgate notify --test"))}, 0)
	if err := c.Sender.Send(ctx, n); err != nil {
		return nil, err
	}
	return n, nil
}
