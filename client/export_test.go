package client

// WaitingPut is a put that no server has confirmed, for tests.
type WaitingPut struct {
	UUID, Handle string
	Contents     []byte
}

// ReadWaiting reads the puts that wait in a client's directory.
func ReadWaiting(dir string) ([]WaitingPut, error) {
	pending, err := directory(dir).readPending()
	var waiting []WaitingPut
	for _, p := range pending {
		waiting = append(waiting, WaitingPut{p.UUID, p.Handle, p.contents})
	}
	return waiting, err
}

// KeepWaiting writes a put into a client's directory.
func KeepWaiting(dir string, w WaitingPut) error {
	return directory(dir).writePending(pendingPut{UUID: w.UUID, Handle: w.Handle, contents: w.Contents})
}

// DescribeAnswer reads a deposit's description from an answer's header.
var DescribeAnswer = describe
