package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"time"
)

// Probe is the data of an event, with the types that Avro's logical types become in Go.
type Probe struct {
	Probe  string            `avro:"Probe"`
	Amount *big.Rat          `avro:"Amount"`
	Day    time.Time         `avro:"Day"`
	At     time.Time         `avro:"At"`
	Count  int64             `avro:"Count"`
	Ratio  float64           `avro:"Ratio"`
	Flag   bool              `avro:"Flag"`
	Kind   string            `avro:"Kind"`
	Note   *string           `avro:"Note"`
	Tags   []string          `avro:"Tags"`
	Labels map[string]string `avro:"Labels"`
	Blob   []byte            `avro:"Blob"`
}

const (
	scale  = 3
	day    = "2006-01-02"
	millis = "2006-01-02T15:04:05.000Z"
)

// lines is the probe as plain JSON has it: decimals and times as text.
type lines struct {
	Probe  string
	Amount string
	Day    string
	At     string
	Count  int64
	Ratio  float64
	Flag   bool
	Kind   string
	Note   *string
	Tags   []string
	Labels map[string]string
	Blob   []byte
}

// MarshalJSON writes the probe as plain JSON.
func (p Probe) MarshalJSON() ([]byte, error) {
	return json.Marshal(lines{
		Probe: p.Probe, Amount: p.Amount.FloatString(scale), Day: p.Day.Format(day), At: p.At.UTC().Format(millis),
		Count: p.Count, Ratio: p.Ratio, Flag: p.Flag, Kind: p.Kind, Note: p.Note,
		Tags: p.Tags, Labels: p.Labels, Blob: p.Blob,
	})
}

// UnmarshalJSON reads the probe from plain JSON.
func (p *Probe) UnmarshalJSON(text []byte) error {
	var from lines
	if err := json.Unmarshal(text, &from); err != nil {
		return err
	}
	amount, ok := new(big.Rat).SetString(from.Amount)
	if !ok {
		return fmt.Errorf("%s is no decimal", from.Amount)
	}
	date, err := time.Parse(day, from.Day)
	if err != nil {
		return err
	}
	at, err := time.Parse(time.RFC3339, from.At)
	if err != nil {
		return err
	}
	*p = Probe{
		Probe: from.Probe, Amount: amount, Day: date, At: at,
		Count: from.Count, Ratio: from.Ratio, Flag: from.Flag, Kind: from.Kind, Note: from.Note,
		Tags: from.Tags, Labels: from.Labels, Blob: from.Blob,
	}
	return nil
}
