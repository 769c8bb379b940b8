// Reads events and writes them with franz-go: `read TOPIC`, or `write TOPIC SUBJECT`; see ../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"log"
	"os"
	"strings"
	"sync"

	"github.com/twmb/avro"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

type order struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Key         string `json:"key"`
	Data        *Probe `json:"data"`
	Compression string `json:"compression"`
}

type event struct {
	Partition  int32             `json:"partition"`
	Offset     int64             `json:"offset"`
	Key        string            `json:"key"`
	Attributes map[string]string `json:"attributes"`
	Data       *Probe            `json:"data"`
}

type written struct {
	ID        string `json:"id"`
	Partition int32  `json:"partition"`
}

var compressions = map[string]kgo.CompressionCodec{
	"":       kgo.NoCompression(),
	"gzip":   kgo.GzipCompression(),
	"snappy": kgo.SnappyCompression(),
	"lz4":    kgo.Lz4Compression(),
	"zstd":   kgo.ZstdCompression(),
}

func main() {
	registry := &Registry{url: os.Getenv("SCHEMA_REGISTRY_URL"), known: map[uint32]*avro.Schema{}}
	var err error
	if os.Args[1] == "read" {
		err = read(os.Args[2], registry)
	} else {
		err = write(os.Args[2], os.Args[3], registry)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func connect(more ...kgo.Opt) (*kgo.Client, error) {
	brokers := strings.Split(os.Getenv("KAFKA_BROKERS"), ",")
	return kgo.NewClient(append(more, kgo.SeedBrokers(brokers...))...)
}

func read(topic string, registry *Registry) error {
	ctx := context.Background()
	client, err := connect(kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	left := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if end.Offset > 0 {
			left[end.Partition] = end.Offset
		}
	})
	out := json.NewEncoder(os.Stdout)
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return err
		}
		for _, record := range fetches.Records() {
			found := event{record.Partition, record.Offset, string(record.Key), map[string]string{}, &Probe{}}
			for _, header := range record.Headers {
				if name, isAttribute := strings.CutPrefix(header.Key, "ce_"); isAttribute {
					found.Attributes[name] = string(header.Value)
				} else if header.Key == "content-type" {
					found.Attributes["datacontenttype"] = string(header.Value)
				}
			}
			if err := registry.decode(record.Value, found.Data); err != nil {
				return err
			}
			if err := out.Encode(found); err != nil {
				return err
			}
			if record.Offset+1 >= left[record.Partition] {
				delete(left, record.Partition)
			}
		}
	}
	return nil
}

func write(topic, subject string, registry *Registry) error {
	ctx := context.Background()
	schemaID, err := registry.latest(subject)
	if err != nil {
		return err
	}
	clients := map[string]*kgo.Client{}
	out := json.NewEncoder(os.Stdout)
	var failed error
	var lock sync.Mutex
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var one order
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return err
		}
		client := clients[one.Compression]
		if client == nil {
			// Keys are placed by murmur2, and the producer is idempotent, without being told.
			client, err = connect(kgo.ProducerBatchCompression(compressions[one.Compression]))
			if err != nil {
				return err
			}
			clients[one.Compression] = client
		}
		value, err := registry.encode(schemaID, one.Data)
		if err != nil {
			return err
		}
		client.Produce(ctx, recordOf(topic, one, value), func(record *kgo.Record, err error) {
			lock.Lock()
			defer lock.Unlock()
			if err == nil {
				err = out.Encode(written{one.ID, record.Partition})
			}
			if err != nil {
				failed = err
			}
		})
	}
	for _, client := range clients {
		if err := client.Flush(ctx); err != nil {
			return err
		}
		client.Close()
	}
	return failed
}

func recordOf(topic string, one order, value []byte) *kgo.Record {
	header := func(name, text string) kgo.RecordHeader {
		return kgo.RecordHeader{Key: name, Value: []byte(text)}
	}
	return &kgo.Record{
		Topic: topic,
		Key:   []byte(one.Key),
		Value: value,
		Headers: []kgo.RecordHeader{
			header("ce_specversion", "1.0"),
			header("ce_id", one.ID),
			header("ce_source", "/interop/go"),
			header("ce_type", one.Type),
			header("ce_subject", one.Key),
			header("content-type", "application/avro"),
		},
	}
}
