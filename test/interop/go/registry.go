package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/twmb/avro"
)

// Registry is asked over HTTP; an id never changes its meaning.
type Registry struct {
	url   string
	known map[uint32]*avro.Schema
}

type registered struct {
	ID     uint32 `json:"id"`
	Schema string `json:"schema"`
}

func (r *Registry) byID(id uint32) (*avro.Schema, error) {
	if schema := r.known[id]; schema != nil {
		return schema, nil
	}
	found, err := r.get(fmt.Sprintf("/schemas/ids/%d", id))
	if err != nil {
		return nil, err
	}
	return r.keep(id, found)
}

func (r *Registry) latest(subject string) (uint32, error) {
	found, err := r.get("/subjects/" + subject + "/versions/latest")
	if err != nil {
		return 0, err
	}
	_, err = r.keep(found.ID, found)
	return found.ID, err
}

func (r *Registry) keep(id uint32, found registered) (*avro.Schema, error) {
	schema, err := avro.Parse(found.Schema)
	if err != nil {
		return nil, err
	}
	r.known[id] = schema
	return schema, nil
}

func (r *Registry) get(path string) (found registered, err error) {
	answer, err := http.Get(r.url + path)
	if err != nil {
		return found, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return found, fmt.Errorf("%s answered %s", path, answer.Status)
	}
	err = json.NewDecoder(answer.Body).Decode(&found)
	return found, err
}

const headBytes = 5

// decode reads the wire format: a zero byte, the schema's id in four bytes, the value.
func (r *Registry) decode(wire []byte, into any) error {
	if len(wire) < headBytes || wire[0] != 0 {
		return errors.New("not in wire format")
	}
	schema, err := r.byID(binary.BigEndian.Uint32(wire[1:headBytes]))
	if err != nil {
		return err
	}
	_, err = schema.Decode(wire[headBytes:], into)
	return err
}

func (r *Registry) encode(id uint32, data any) ([]byte, error) {
	schema, err := r.byID(id)
	if err != nil {
		return nil, err
	}
	return schema.AppendEncode(binary.BigEndian.AppendUint32([]byte{0}, id), data)
}
