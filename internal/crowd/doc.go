// Package crowd makes very many real TCP connections, both ends in one network namespace, so that
// watching can be measured at the size it is made for.
//
// A process may hold some thousand descriptors, so the connections are held by several: Build
// starts the running program again, as a worker. Such a program calls Worker first thing in main,
// or in TestMain. The workers die with whoever built the crowd, in whatever way that ends, and
// their sockets with them, without TIME_WAIT.
//
// It is imported by tests and benchmarks only. It opens listeners and connections in the
// namespace it is called in and touches no address, route, rule or sysctl; what it makes costs
// several kilobytes of kernel memory a socket, so ask Affordable first.
package crowd
