package metrics

import (
	"net/http"
	"strconv"
)

// index is the page of somebody who looks with a browser.
const index = `<!DOCTYPE html>
<html lang="en"><head><title>ebbgate</title></head>
<body><h1>ebbgate</h1><p><a href="/metrics">Metrics</a></p></body></html>
`

// handler answers GET and HEAD of the metrics and of a page that leads there.
func handler(e *exposition) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, "text/html; charset=utf-8", []byte(index))
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		if e.latest.Load() == nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "the daemon has nothing to tell yet: ask again in a second", http.StatusServiceUnavailable)
			return
		}
		body, err := e.text()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, string(format()), body)
	})
	return mux
}

func answer(w http.ResponseWriter, media string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body) // a client that has gone
}
