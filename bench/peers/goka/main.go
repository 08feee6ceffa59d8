// The alert-escalation job on goka, as a yardstick: at least once, one LevelDB value per driver.
//
// It does less than ours: no transactions, no timers, no open alerts, no known alert ids. Prints one JSON line with the
// measures of the other engines.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/lovoo/goka"
	"github.com/lovoo/goka/codec"
	"github.com/lovoo/goka/storage"
)

type rule struct {
	count    int
	windowMs int64
}

type rawAlert struct {
	AlertID    *string `avro:"alertId"`
	DriverID   string  `avro:"driverId"`
	SourceType string  `avro:"sourceType"`
	Severity   string  `avro:"severity"`
	Timestamp  int64   `avro:"timestamp"`
	Metadata   string  `avro:"metadata"`
}

type peerEvent struct {
	EventID    string `avro:"eventId"`
	AlertID    string `avro:"alertId"`
	EventType  string `avro:"eventType"`
	NewStatus  string `avro:"newStatus"`
	DriverID   string `avro:"driverId"`
	SourceType string `avro:"sourceType"`
	Severity   string `avro:"severity"`
	Timestamp  int64  `avro:"timestamp"`
	Metadata   string `avro:"metadata"`
}

var (
	rules  = map[string]rule{"overspeed": {3, 120_000}, "feedback_negative": {2, 86_400_000}}
	ladder = []string{"low", "medium", "high", "critical"}
	frame  = []byte{0, 0, 0, 0, 1}
)

// schemaOf reads a schema without its logical types, so that times stay numbers.
func schemaOf(path string) avro.Schema {
	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		log.Fatal(err)
	}
	plain, _ := json.Marshal(withoutLogicalTypes(tree))
	return avro.MustParse(string(plain))
}

func withoutLogicalTypes(node any) any {
	switch typed := node.(type) {
	case map[string]any:
		delete(typed, "logicalType")
		for key, value := range typed {
			typed[key] = withoutLogicalTypes(value)
		}
	case []any:
		for index, value := range typed {
			typed[index] = withoutLogicalTypes(value)
		}
	}
	return node
}

// The value of a driver: for each source, the number of times and the times themselves.
func timesOf(value []byte) map[string][]int64 {
	times := map[string][]int64{}
	for len(value) > 0 {
		nameLength, count := int(value[0]), int(binary.BigEndian.Uint32(value[1:]))
		name := string(value[5 : 5+nameLength])
		value = value[5+nameLength:]
		for index := 0; index < count; index++ {
			times[name] = append(times[name], int64(binary.BigEndian.Uint64(value[8*index:])))
		}
		value = value[8*count:]
	}
	return times
}

func valueOf(times map[string][]int64) []byte {
	var out []byte
	for name, list := range times {
		out = append(out, byte(len(name)))
		out = binary.BigEndian.AppendUint32(out, uint32(len(list)))
		out = append(out, name...)
		for _, time := range list {
			out = binary.BigEndian.AppendUint64(out, uint64(time))
		}
	}
	return out
}

// countWith answers the alerts in (time - window, time] and the times that have to be kept.
func countWith(times []int64, time int64, r rule, graceMs int64) (int, []int64) {
	times = append(times, time)
	sort.Slice(times, func(a, b int) bool { return times[a] < times[b] })
	count := 0
	for _, seen := range times {
		if seen > time-r.windowMs && seen <= time {
			count++
		}
	}
	horizon := times[len(times)-1] - graceMs
	from := len(times)
	for from > 0 && times[from-1] > horizon {
		from--
	}
	from = max(0, from-r.count)
	for times[from] <= horizon-r.windowMs {
		from++
	}
	return count, times[from:]
}

func escalated(severity string) string {
	for index, name := range ladder {
		if name == severity {
			return ladder[min(index+2, len(ladder)-1)]
		}
	}
	return severity
}

func main() {
	brokers := flag.String("brokers", "127.0.0.1:9092", "")
	input := flag.String("input", "", "")
	output := flag.String("output", "", "")
	app := flag.String("app", "", "")
	rawSchemaPath := flag.String("raw-schema", "", "")
	eventSchemaPath := flag.String("event-schema", "", "")
	state := flag.String("state", "", "")
	count := flag.Int64("count", 0, "")
	graceMs := flag.Int64("grace", 5_000, "")
	flag.Parse()
	rawSchema, eventSchema := schemaOf(*rawSchemaPath), schemaOf(*eventSchemaPath)

	var processed atomic.Int64
	var first time.Time
	started := time.Now()
	ctx, stop := context.WithCancel(context.Background())

	process := func(c goka.Context, message any) {
		var alert rawAlert
		if err := avro.Unmarshal(rawSchema, message.([]byte)[len(frame):], &alert); err != nil {
			c.Fail(err)
		}
		id := fmt.Sprintf("%s-%d-%d", *input, c.Partition(), c.Offset())
		emit := func(kind, status, severity string) {
			event := peerEvent{id + ":" + kind, id, kind, status, alert.DriverID, alert.SourceType, severity, alert.Timestamp, alert.Metadata}
			body, err := avro.Marshal(eventSchema, event)
			if err != nil {
				c.Fail(err)
			}
			c.Emit(goka.Stream(*output), alert.DriverID, append(frame[:len(frame):len(frame)], body...))
		}
		emit("CREATED", "OPEN", alert.Severity)
		if r, found := rules[alert.SourceType]; found {
			var stored []byte
			if value := c.Value(); value != nil {
				stored = value.([]byte)
			}
			times := timesOf(stored)
			var counted int
			counted, times[alert.SourceType] = countWith(times[alert.SourceType], alert.Timestamp, r, *graceMs)
			c.SetValue(valueOf(times))
			if counted >= r.count {
				emit("ESCALATED", "ESCALATED", escalated(alert.Severity))
			}
		}
		if alert.SourceType == "compliance" && strings.Contains(strings.ReplaceAll(alert.Metadata, " ", ""), `"document_valid":true`) {
			emit("AUTO_CLOSED", "AUTO_CLOSED", alert.Severity)
		}
		if processed.Add(1) == *count {
			stop()
		}
	}

	managerConfig := goka.NewTopicManagerConfig()
	managerConfig.Table.Replication = 1
	config := goka.DefaultConfig()
	log.SetOutput(io.Discard)
	graph := goka.DefineGroup(goka.Group(*app),
		goka.Input(goka.Stream(*input), new(codec.Bytes), process),
		goka.Output(goka.Stream(*output), new(codec.Bytes)),
		goka.Persist(new(codec.Bytes)))
	// Read from the beginning.
	config.Consumer.Offsets.Initial = -2
	// As the other engines send: not compressed.
	config.Producer.Compression = 0
	processor, err := goka.NewProcessor(strings.Split(*brokers, ","), graph,
		goka.WithConsumerGroupBuilder(goka.ConsumerGroupBuilderWithConfig(config)),
		goka.WithProducerBuilder(goka.ProducerBuilderWithConfig(config)),
		goka.WithTopicManagerBuilder(goka.TopicManagerBuilderWithTopicManagerConfig(managerConfig)),
		goka.WithStorageBuilder(storage.DefaultBuilder(*state)))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() {
		for processed.Load() == 0 {
			time.Sleep(10 * time.Millisecond)
		}
		first = time.Now()
	}()
	if err := processor.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	seconds := time.Since(first).Seconds()
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	cpu := float64(usage.Utime.Sec+usage.Stime.Sec) + float64(usage.Utime.Usec+usage.Stime.Usec)/1e6
	result, _ := json.Marshal(map[string]any{"engine": "goka", "records": processed.Load(), "seconds": seconds,
		"recordsPerSecond": int64(float64(processed.Load()) / seconds), "cpuSeconds": cpu,
		"startToFirstRecordSeconds": first.Sub(started).Seconds()})
	fmt.Println(string(result))
}
