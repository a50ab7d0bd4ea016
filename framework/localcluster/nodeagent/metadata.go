package nodeagent

import (
	"io"
	"log"
	"net"
	"net/http"
	"time"
)

// serveMetadata answers a pod at its own metadata address: whoever connects there is in
// the pod, and gets its address for that of the request.
func serveMetadata(l net.Listener, podIP string, handler http.Handler) {
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.RemoteAddr = net.JoinHostPort(podIP, "0")
			handler.ServeHTTP(w, r)
		})}
	_ = server.Serve(l) // until the listener is closed
	_ = server.Close()
}
