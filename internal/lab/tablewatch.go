package lab

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	defaultWatchEvery = 10 * time.Millisecond
	// mostPresences bounds the memory of a TableWatch; what comes later is not kept.
	mostPresences = 1000
)

// Presence is one stretch of time in which a table existed.
type Presence struct {
	Seen time.Time
	Gone time.Time // zero while it exists
}

// TableWatch is an independent eye on an nftables table of family inet: it asks the kernel for the
// table by name every few milliseconds, over one lasting netlink connection, and notes when it came
// and went. It shares no code with what installs the table.
//
// The times are those of the first poll that saw the change.
type TableWatch struct {
	name  string
	conn  *netlink.Conn
	query netlink.Message
	task  *task

	mu        sync.Mutex
	present   bool
	presences []Presence
	open      bool // the last of presences is going on
}

// WatchTable starts watching table inet NAME in n. every is the time between two looks; 0 means
// 10 ms. The first look has been taken when WatchTable returns.
func WatchTable(ctx context.Context, n *Namespace, name string, every time.Duration) (*TableWatch, error) {
	if every < 0 {
		return nil, fmt.Errorf("watch table inet %s: interval %s must not be negative", name, every)
	}
	if every == 0 {
		every = defaultWatchEvery
	}
	w := &TableWatch{name: name}
	var err error
	if w.query, err = tableQuery(name); err != nil {
		return nil, fmt.Errorf("watch table inet %s: %w", name, err)
	}
	err = n.Do(func() (err error) {
		w.conn, err = netlink.Dial(unix.NETLINK_NETFILTER, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("watch table inet %s in %q: %w", name, n.name, err)
	}
	err = w.look()
	if err == nil {
		w.task, err = n.startTask(ctx, func(ctx context.Context) error { return w.loop(ctx, every) })
	}
	if err != nil {
		w.conn.Close()
		return nil, err
	}
	return w, nil
}

// tableQuery is NFT_MSG_GETTABLE for one table. See linux/netfilter/nf_tables.h and nfnetlink.h.
func tableQuery(name string) (netlink.Message, error) {
	e := netlink.NewAttributeEncoder()
	e.String(unix.NFTA_TABLE_NAME, name)
	attributes, err := e.Encode()
	if err != nil {
		return netlink.Message{}, err
	}
	header := []byte{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0} // struct nfgenmsg
	return netlink.Message{
		Header: netlink.Header{
			Type:  netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETTABLE),
			Flags: netlink.Request,
		},
		Data: append(header, attributes...),
	}, nil
}

func (w *TableWatch) loop(ctx context.Context, every time.Duration) error {
	defer w.conn.Close()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := w.look(); err != nil {
				return err
			}
		}
	}
}

// lookTimeout bounds one look: the kernel answers at once, or not at all.
const lookTimeout = 5 * time.Second

// look asks once and notes the answer.
func (w *TableWatch) look() error {
	err := w.conn.SetDeadline(time.Now().Add(lookTimeout))
	if err == nil {
		_, err = w.conn.Execute(w.query)
	}
	switch {
	case err == nil:
		w.note(true, time.Now())
	case errors.Is(err, unix.ENOENT):
		w.note(false, time.Now())
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EINVAL):
		return fmt.Errorf("look for table inet %s: %w: this kernel has no nf_tables (CONFIG_NF_TABLES_INET)", w.name, err)
	default:
		return fmt.Errorf("look for table inet %s: %w", w.name, err)
	}
	return nil
}

func (w *TableWatch) note(present bool, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if present == w.present {
		return
	}
	w.present = present
	switch {
	case present && len(w.presences) < mostPresences:
		w.presences = append(w.presences, Presence{Seen: now})
		w.open = true
	case !present && w.open:
		w.presences[len(w.presences)-1].Gone = now
		w.open = false
	}
}

// Presences returns when the table existed, oldest first, at most the first 1,000 times.
func (w *TableWatch) Presences() []Presence {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Presence(nil), w.presences...)
}

// Present reports whether the last look found the table.
func (w *TableWatch) Present() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.present
}

// Stop ends the watch, waits for it, and returns the error that ended it early, if any.
func (w *TableWatch) Stop() error { return w.task.stop() }
