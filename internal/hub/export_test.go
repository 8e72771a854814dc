package hub

// ThroughProxies is throughProxies, for tests.
var ThroughProxies = throughProxies
