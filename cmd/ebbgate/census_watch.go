package main

import (
	"bytes"
	"context"
	"io"
)

// watchCensus counts again and again until it is interrupted; as JSON it prints one object a line.
func watchCensus(ctx context.Context, w io.Writer, o *censusOptions, l *look) error {
	shown := pictures{w: w}
	return again(ctx, o.watch, func(ctx context.Context) error {
		c, err := takeCensus(ctx, l)
		if err != nil {
			return err
		}
		if o.json {
			return writeJSONLine(w, c)
		}
		var b bytes.Buffer
		p := printer{w: &b, width: textWidth(w)}
		p.line("%s   every %s", c.Time.Local().Format("2006-01-02 15:04:05"), o.watch)
		p.line("")
		c.write(&p)
		return shown.show(b.String())
	})
}
