package rlm

import "strconv"

// returned says why licenses came back, by the number in the report log. The
// usual way, 1, needs no words.
var returned = map[string]string{
	"2":  "client exited",
	"3":  "removed by rlmremove",
	"4":  "removed after timeout",
	"5":  "hold or minimum time over",
	"6":  "dequeued by client",
	"7":  "portable host id removed",
	"8":  "failed host back up",
	"9":  "server lost the transferred license",
	"10": "meter empty",
	"11": "no heartbeat in time",
	"12": "temporary license expired",
	"13": "temporary license returned",
}

func returnReason(why string) string {
	if why == "1" || returned[why] != "" {
		return returned[why]
	}
	return "reason " + why
}

// refused says why a request was refused, by the status of RLM.
var refused = map[int]string{
	-1:  "no license for the product",
	-2:  "license is of another vendor",
	-3:  "license has expired",
	-4:  "license is for another host",
	-5:  "license has a bad key",
	-6:  "version is not supported",
	-7:  "license has a bad date",
	-8:  "request for too many licenses",
	-22: "all licenses in use",
}

func refusalReason(code int) string {
	if s := refused[code]; s != "" {
		return s
	}
	return "RLM status " + strconv.Itoa(code)
}
