// Package ownaddr lists the addresses of the host itself.
package ownaddr
