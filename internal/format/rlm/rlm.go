// Package rlm reads what the Reprise License Manager prints: the output of
// rlmstat, the debug log of a vendor's server (ISV server) and its report log.
// It turns bytes into the facts that all license managers share and returns
// every line that it could not read with its number and text. It knows no
// clock, no process and no network; memory is bounded by the number of pools
// and open checkouts, never by the length of the input.
//
// A vendor's server counts its licenses in pools. The number that it gives a
// pool is the variant of license.Pool, wherever the text tells it; the vendor's
// name is the daemon.
package rlm
