// Package setdump reads the elements of nftables sets from the kernel (NFT_MSG_GETSETELEM of
// linux/netfilter/nf_tables.h), with what they have counted.
//
// A dump streams through one reused buffer and one reused Element, without an allocation for each,
// and with the largest reads the kernel gives: a dump begins anew at the start of its hash bucket
// table for each read, so that small reads make a large set quadratically dear. It reads sets of
// tables of the inet family and changes nothing.
package setdump
