package wire

import (
	"errors"
	"testing"
)

func TestRefusePrivate(t *testing.T) {
	for address, private := range map[string]bool{
		"127.0.0.1:443": true, "127.9.9.9:443": true, "[::1]:443": true, "10.0.0.1:443": true, "172.31.0.1:443": true, "192.168.0.1:443": true,
		"169.254.169.254:80": true, "[fe80::1%eth0]:443": true, "[fd00::1]:443": true, "0.0.0.0:443": true, "[::]:443": true, "100.64.0.1:443": true,
		"224.0.0.1:443": true, "255.255.255.255:443": true, "[::ffff:127.0.0.1]:443": true, "[::ffff:10.0.0.1]:443": true,
		"192.0.2.1:443": false, "172.32.0.1:443": false, "100.128.0.1:443": false, "[2001:db8::1]:443": false, "[::ffff:192.0.2.1]:443": false,
	} {
		if err := RefusePrivate("tcp", address, nil); errors.As(err, new(*PrivateError)) != private || !private && err != nil {
			t.Errorf("%s: %v, private is %v", address, err, private)
		}
	}
}
