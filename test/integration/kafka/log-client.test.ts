/**
 * Kafka passes the conformance suite of the log port.
 */
import { describeLogClient } from '../../conformance/log-client.ts';
import { KafkaHarness } from './kafka-harness.ts';

describeLogClient('Kafka', async () => new KafkaHarness());
