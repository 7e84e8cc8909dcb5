package client

import (
	"context"
	"errors"
)

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

// ParseFingerprint reads what a person gives for a fingerprint.
var ParseFingerprint = parseFingerprint

// ErrStopped is how RotateUntil ends.
var ErrStopped = errors.New("stopped by the test")

// RotationSteps are the points at which a rotation can be interrupted.
func RotationSteps() []string {
	return []string{string(stepKey), string(stepPair), string(stepBound), string(stepRecorded), string(stepHalfway), string(stepSwapped), string(stepRetired)}
}

// RotateUntil rotates, and stops after a step as a kill does: nothing is cleaned up.
func RotateUntil(c *Client, step string, o RotateOptions) error {
	_, err := c.rotate(context.Background(), o, func(s rotationStep) error {
		if string(s) == step {
			return ErrStopped
		}
		return nil
	})
	return err
}
