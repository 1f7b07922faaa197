// Package metrics shows the daemon's published status to Prometheus, over HTTP at the address the policy names.
//
// It keeps no figures of its own: each metric is computed from the newest control.Status, when somebody asks
// and at most once for each status, so that a crowd of clients costs one exposition. It reads no kernel state
// but the process's own. Nobody who asks can hold the daemon up: publishing stores a pointer, a request lasts
// seconds at most, and beyond MaxConns connections the oldest is closed. Labels are services of the policy
// and words of fixed lists; no address is ever among them.
package metrics
