package flexnet

import "strings"

// logNoisePrefixes begin the texts that mean nothing for usage, of all
// versions and daemons that were seen and of the vendor's list of messages. A
// text that is not among them is unread: it may be one that matters.
var logNoisePrefixes = [...]string{
	"--", "==",
	// The start of a server.
	"pid ", "SLOG: ", "Copyright (c)", "World Wide Web:", "License file(s)", "License file:", "Vendor daemons ",
	"lmdown/lmreread ", "lmgrd version ", "lmgrd running as ", "Done rereading", "Detecting other license server",
	"Starting vendor daemon", "Using vendor daemon port", "Unable to initialize access to trusted storage",
	"FlexNet Licensing ", "FLEXnet Licensing ", "FLEXlm ", "License Manager server started", "License server manager (lmgrd) ",
	"Using options file", "EXTERNAL FILTERS are ", "Serving features for ", "Listening port", "Loading library",
	"TCP_NODELAY ", "IP address", "Listener Thread", "Report log started", "Redirecting ", "Reportlog",
	// What the options file asks for.
	"ALL FEATURES:", "BORROW", "DEBUGLOG ", "EXCLUDE", "FQDN_MATCHING ", "GROUP", "HOST_GROUP ", "INCLUDE",
	"LINGER ", "MAX ", "MAX_", "Max ", "NOLOG ", "REPORTLOG ", "RESERVE ", "RESERVING ", "TIMEOUT", "TRANSPORT ",
	"USER_GROUP ", "Warning:", "WARNING", "NOTE:", "Feature ", "FEATURE ", "INCREMENT ",
	// Licenses.
	"EXPIRED:", "Expired", "Acquired ", "Checkin failed feature ", "Invalid license ", "Wrong hostid", "Bad ",
	"No features to serve", "License server system ", "License server ", "Licenses ", "License ",
	// Servers and their connections.
	"CONNECTED", "Connected to ", "Connection ", "Lost ", "MASTER SERVER ", "MULTIPLE ", "Please kill",
	"Removing ", "Retrying ", "Selected ", "Shutting down", "Shutdown ", "EXITING ", "Exiting ", "exiting ",
	"Since this is an unknown status", "manager (lmgrd) will ", "Vendor daemon ", "Vendor:",
	"Not enough ", "Cannot ", "Can't ", "CANNOT ", "Could not ", "Failed ", "Unable ", "Error ", "ERROR",
	"Server ", "Client ", "Socket ", "Port ", "The TCP port ", "The license server", "There are ", "Request ", "Requested ",
}

// logNoiseParts stand anywhere in a text that means nothing for usage.
var logNoiseParts = [...]string{
	"using TCP-port", "tcp-port", "tcp_port", "hutdown requested", "INACTIVITY TIMEOUT", "Please see ", "www.", "http",
}

// logNoise tells texts that mean nothing for usage. One that is indented goes
// on from the line before it.
func logNoise(s string) bool {
	if s == "" || s[0] == ' ' || s[0] == '\t' || hasAnyPrefix(s, logNoisePrefixes[:]...) {
		return true
	}
	for _, part := range logNoiseParts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

// logRawNoise tells lines without time and name that mean nothing for usage:
// the tools of the vendor write into the same file.
func logRawNoise(s string) bool {
	return hasAnyPrefix(strings.TrimLeft(s, " \t"), "--", "==", "Copyright ", "lmutil ", "lmdown ", "lmreread ", "lmgrd ", "Please ", "#")
}
