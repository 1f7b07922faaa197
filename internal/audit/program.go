package audit

import "strings"

// program is what is known of a server program's own settings. An empty field means that it has
// no such setting, or none we know.
type program struct {
	backlog   string // what sets the backlog of listen(2)
	fixed     bool   // the backlog is compiled in
	forks     bool   // one process for each connection: few descriptors in each, few connections at all
	files     string // what raises the limit of descriptors, beside LimitNOFILE= of the unit
	keepalive string // what turns keepalive on for connections it accepts
}

// goBacklog is what programs written in Go do (net/sock_linux.go reads somaxconn at start).
const goBacklog = "Go programs take net.core.somaxconn as it is when they listen: raise that, then restart"

// goServers are servers written in Go.
func goServers() []string {
	return []string{"caddy", "traefik", "dockerd", "docker-proxy", "containerd", "kubelet", "kube-apiserver", "etcd",
		"coredns", "prometheus", "node_exporter", "grafana", "minio", "vault", "consul", "gitea", "cloudflared"}
}

// programs lists server programs by the name of their process, which the kernel cuts at 15 bytes.
func programs() map[string]program {
	apache := program{backlog: "ListenBacklog in the Apache configuration"}
	mysql := program{backlog: "back_log in the [mysqld] section", files: "open_files_limit in the [mysqld] section"}
	redis := program{backlog: "tcp-backlog in redis.conf", files: "maxclients in redis.conf (it raises its own limit at start)", keepalive: "tcp-keepalive in redis.conf"}
	known := map[string]program{
		"nginx":         {backlog: "the parameter backlog= of listen, once for each address and port", files: "worker_rlimit_nofile in nginx.conf", keepalive: "so_keepalive=on after listen"},
		"angie":         {backlog: "the parameter backlog= of listen, once for each address and port", files: "worker_rlimit_nofile in angie.conf", keepalive: "so_keepalive=on after listen"},
		"haproxy":       {backlog: "backlog in the frontend or defaults section (without it: maxconn)", files: "maxconn in the global section, from which it derives its limit", keepalive: "option clitcpka in the frontend"},
		"apache2":       apache,
		"httpd":         apache,
		"lighttpd":      {backlog: "server.listen-backlog", files: "server.max-fds"},
		"varnishd":      {backlog: "-p listen_depth="},
		"cache-main":    {backlog: "-p listen_depth="}, // varnishd's child
		"squid":         {files: "max_filedescriptors in squid.conf", keepalive: "tcpkeepalive after http_port"},
		"envoy":         {backlog: "tcp_backlog_size of the listener", keepalive: "socket_options of the listener"},
		"sshd":          {fixed: true, forks: true, keepalive: "TCPKeepAlive yes in sshd_config"},
		"postgres":      {backlog: "max_connections in postgresql.conf: the backlog is twice that", forks: true, keepalive: "tcp_keepalives_idle in postgresql.conf"},
		"pgbouncer":     {backlog: "listen_backlog in pgbouncer.ini", keepalive: "tcp_keepalive in pgbouncer.ini"},
		"mysqld":        mysql,
		"mariadbd":      mysql,
		"mongod":        {backlog: "net.listenBacklog in mongod.conf"},
		"redis-server":  redis,
		"valkey-server": redis,
		"memcached":     {backlog: "the option -b", files: "the option -c"},
		"php-fpm":       {backlog: "listen.backlog of the pool", files: "rlimit_files of the pool"},
		"beam.smp":      {backlog: "the listen options of the application (RabbitMQ: tcp_listen_options.backlog)"},
		"java":          {backlog: "the application (Tomcat: acceptCount of the Connector)"},
		"node":          {backlog: "the backlog argument of server.listen()"},
		"gunicorn":      {backlog: "--backlog"},
		"uvicorn":       {backlog: "--backlog"},
		"uwsgi":         {backlog: "the option listen"},
		"dovecot":       {files: "default_client_limit in dovecot.conf"},
		"master":        {forks: true}, // Postfix
		"systemd":       {backlog: "Backlog= in the .socket unit"},
	}
	for _, name := range goServers() {
		known[name] = program{backlog: goBacklog}
	}
	return known
}

// programOf returns what is known of a program. PHP-FPM has its version in its name.
func programOf(name string) program {
	if strings.HasPrefix(name, "php-fpm") {
		name = "php-fpm"
	}
	return programs()[name]
}
