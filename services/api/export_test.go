package api

// ClientIP is the address of who sent a request.
var ClientIP = clientIP
