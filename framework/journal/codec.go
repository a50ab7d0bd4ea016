package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// line is a record as it stands in a file; E is what its event is written from or
// read into.
type line[E any] struct {
	Time    time.Time `json:"time"`
	Process string    `json:"process"`
	PID     int       `json:"pid"`
	Seq     int       `json:"seq"`
	Kind    string    `json:"kind"`
	Event   E         `json:"event"`
}

// decoders has one entry for each kind; the test walks through all of them.
var decoders = map[string]func(json.RawMessage) (Event, error){
	RunStarted{}.Kind():   decode[RunStarted],
	RunFinished{}.Kind():  decode[RunFinished],
	Target{}.Kind():       decode[Target],
	Engine{}.Kind():       decode[Engine],
	Feature{}.Kind():      decode[Feature],
	Planned{}.Kind():      decode[Planned],
	NodeStarted{}.Kind():  decode[NodeStarted],
	NodeWaiting{}.Kind():  decode[NodeWaiting],
	NodeFinished{}.Kind(): decode[NodeFinished],
	CheckStarted{}.Kind(): decode[CheckStarted],
	Step{}.Kind():         decode[Step],
	Called{}.Kind():       decode[Called],
	Compared{}.Kind():     decode[Compared],
	Verdict{}.Kind():      decode[Verdict],
	Observed{}.Kind():     decode[Observed],
	Measured{}.Kind():     decode[Measured],
	Problem{}.Kind():      decode[Problem],
	ResourceLeft{}.Kind(): decode[ResourceLeft],
	ResourceMade{}.Kind(): decode[ResourceMade],
	ResourceGone{}.Kind(): decode[ResourceGone],
	Inventory{}.Kind():    decode[Inventory],
	Happened{}.Kind():     decode[Happened],
	Log{}.Kind():          decode[Log],
	Diagnostic{}.Kind():   decode[Diagnostic],
	Exit{}.Kind():         decode[Exit],
}

func decode[E Event](raw json.RawMessage) (Event, error) {
	var e E
	err := json.Unmarshal(raw, &e)
	return e, err
}

// encodeLine writes a record as one line, every string passed through redact.
// The strings are redacted before they are quoted: quoting could hide a secret.
func encodeLine(r Record, redact func(string) string) ([]byte, error) {
	event, err := json.Marshal(r.Event)
	if err != nil {
		return nil, fmt.Errorf("encoding a %s event: %w", r.Event.Kind(), err)
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("reading a %s event back: %w", r.Event.Kind(), err)
	}
	out, err := json.Marshal(line[any]{r.Time, r.Process, r.PID, r.Seq, r.Event.Kind(), redactStrings(tree, redact)})
	if err != nil {
		return nil, fmt.Errorf("encoding a journal line: %w", err)
	}
	return append(out, '\n'), nil
}

func redactStrings(value any, redact func(string) string) any {
	switch v := value.(type) {
	case string:
		return redact(v)
	case []any:
		for i := range v {
			v[i] = redactStrings(v[i], redact)
		}
	case map[string]any:
		for key := range v {
			v[key] = redactStrings(v[key], redact)
		}
	}
	return value
}

func decodeLine(raw []byte) (Record, error) {
	var l line[json.RawMessage]
	if err := json.Unmarshal(raw, &l); err != nil {
		return Record{}, err
	}
	decoder, ok := decoders[l.Kind]
	if !ok {
		return Record{}, fmt.Errorf("unknown kind %q", l.Kind)
	}
	event, err := decoder(l.Event)
	if err != nil {
		return Record{}, err
	}
	return Record{Time: l.Time, Process: l.Process, PID: l.PID, Seq: l.Seq, Event: event}, nil
}
