export {
  type Adapter,
  type Backend,
  type Capabilities,
  type OpenBackendOptions,
  type OpenOptions,
  openBackend,
} from './backend.ts';
export {
  createTopics,
  type ReadOptions,
  type TopicPage,
  type TopicSummary,
  type Topics,
  type TopicsOptions,
  type TypedTopic,
} from './broadcast.ts';
export { answerRead, formatCursor, type LogEntry, parseCursor, type TopicPosition } from './broadcast-cursor.ts';
export type { SubscribeOptions, Subscription, TopicEvent } from './broadcast-subscribe.ts';
export {
  type Cache,
  type CacheAnswer,
  type CacheInspection,
  type CacheKeys,
  type CacheParts,
  type CacheSettings,
  createCache,
} from './cache.ts';
export type { Factory, FactoryContext } from './cache-fill.ts';
export { cacheKey } from './cache-key.ts';
export type { CacheOptions } from './cache-options.ts';
export {
  answer,
  type CommandContext,
  type CommandDefinition,
  type CommandHandler,
  type CommandOutcome,
  type CommandReply,
  type CommandReport,
  defineCommand,
} from './command.ts';
export type { Instance, InstanceInfo } from './command-wire.ts';
export { type CommandBus, type CommandBusOptions, createCommandBus, type SendOptions } from './commands.ts';
export { contentVersion } from './content-version.ts';
export { type Counter, type CounterParts, createCounter, type IncrementOptions } from './counter.ts';
export { stepCounter } from './counter-step.ts';
export { decodeCursor, encodeCursor } from './cursor.ts';
export {
  type Collection,
  type CollectionParts,
  type CollectionWrite,
  type InsertOptions,
  openCollection,
  type PutOptions,
  type UpdateOptions,
} from './document.ts';
export type { CollectionChange, CollectionChanges, CollectionGap, WatchOptions } from './document-changes.ts';
export type { Document } from './document-codec.ts';
export type { CommittedWrite } from './document-commit.ts';
export {
  type CollectionDefinition,
  type CollectionOptions,
  defineCollection,
  type IndexDefinition,
} from './document-definition.ts';
export type { DocumentQuery, FoundDocuments } from './document-find.ts';
export { firstRefusal } from './document-refusal.ts';
export { encryptedQueue } from './encrypted-queue.ts';
export {
  ERROR_CODES,
  type ErrorCode,
  type Issue,
  invalid,
  PortolanError,
  type PortolanErrorOptions,
} from './errors.ts';
export type { CheckedFlow, EnqueuedFlow, FlowJobOptions, FlowNode } from './flow.ts';
export type { ChildStatus } from './flow-children.ts';
export type { ChildOutcome, ChildPolicy } from './flow-part.ts';
export { globEnds, globMatcher, globPrefix, prefixGlob } from './glob.ts';
export { decodeText, encodeIndexKey, encodeText, type IndexValue, indexMember, membersOf } from './index-key.ts';
export { createInlineQueue, type InlineQueue, type InlineQueueOptions } from './inline-queue.ts';
// Queue: jobs, their producer and their worker.
export { defineJob, type JobDefinition, type JobOptions } from './job.ts';
export type { PayloadKey } from './job-cipher.ts';
export type { JobFailure, ScheduledTick } from './job-envelope.ts';
export type { JobEvent, JobEventLevel, JobEventType } from './job-event.ts';
export { createJobEvents, type JobEvents, type JobEventsOptions } from './job-events.ts';
export type { JobStatus } from './job-status.ts';
export type { Upgrade, Upgrades } from './job-version.ts';
export {
  createKeyValue,
  type KeyChange,
  type KeysOptions,
  type KeyValue,
  type KeyValueOptions,
  type ListedKey,
  type ListedKeys,
} from './key-value.ts';
export type { TypedKeyValue } from './key-value-typed.ts';
export type { KeyEntry, KeySetOptions, KeySetResult, KeyUpdateOptions, ValueChange } from './key-value-values.ts';
export { checkPolicies, type LimitStep, policiesText, stepLimit } from './limit-policy.ts';
export { createLimiter, type Limiter, type LimiterAnswer, type LimiterParts } from './limiter.ts';
export { mergePatch } from './merge-patch.ts';
export { checkKey, checkName } from './names.ts';
export { createPortolan, type Portolan, type PortolanOptions } from './portolan.ts';
// Ports: what an adapter implements.
export type {
  Appended,
  BroadcastPort,
  Cursor,
  Member,
  NewMessage,
  ReadAfter,
  TopicMessage,
  TopicRead,
  TopicRetention,
} from './ports/broadcast.ts';
export {
  type CacheAcquire,
  type CacheAcquired,
  type CachePage,
  type CachePort,
  type CacheRead,
  type CacheScan,
  TAG_EPOCH_TTL_MS,
} from './ports/cache.ts';
export type {
  CounterAdd,
  CounterAdded,
  CounterPort,
  CounterValue,
  LimitPolicy,
  LimitResult,
  LimitState,
} from './ports/counter.ts';
export type {
  DocumentChange,
  DocumentChanges,
  DocumentCommit,
  DocumentPage,
  DocumentPort,
  DocumentScan,
  DocumentWrite,
  Expectation,
  IndexEntry,
  StoredDocument,
} from './ports/document.ts';
export { MAX_TOMBSTONES } from './ports/document.ts';
export type {
  CommitResult,
  Expiry,
  KeyCheck,
  KeyInfo,
  KeyOp,
  KeyPage,
  KeyScan,
  KeyValuePort,
  StoredValue,
  ValueForm,
  ValueOf,
} from './ports/key-value.ts';
export type { QueuePort } from './ports/queue.ts';
export type { Amended, Amendment } from './ports/queue-amend.ts';
export {
  type ExchangeRequest,
  type ExchangeResult,
  type LeasedJob,
  MAX_CALL_TEXT,
  type Retention,
  type Settlement,
} from './ports/queue-exchange.ts';
export {
  type DeliveredPart,
  type FlowAmendment,
  type FlowInspection,
  HELD_DUE_AT,
  MAX_PARTS,
  type OwedPart,
} from './ports/queue-flow.ts';
export type { JobRecord, JobState, QueueInspected, QueueInspection, QueueSummary } from './ports/queue-inspect.ts';
export { MAX_STEPS_ASIDE, type QueueLimits, type RunLimits, type StartRate } from './ports/queue-limits.ts';
export { type JobLogLine, MAX_LOG_LINES } from './ports/queue-logs.ts';
export { MAX_QUEUES, tooManyQueues } from './ports/queue-names.ts';
export type { DedupeMode, NewJob, PushedJob } from './ports/queue-push.ts';
export { REPAIRS, type Reconciled, type ReconcileRequest, type Repair } from './ports/queue-reconcile.ts';
export {
  isScheduleAmendment,
  MAX_SCHEDULES,
  type QueueSchedules,
  type ScheduleAmendment,
  type ScheduleRecord,
  tooManySchedules,
} from './ports/queue-schedule.ts';
export { nothingSwept, type SweepPolicy, type Swept } from './ports/queue-sweep.ts';
// Transfer: moving and inspecting everything a backend holds.
export {
  type CacheEntryRecord,
  type CacheTagRecord,
  type CollectionRecord,
  type CounterRecord,
  type DocumentRecord,
  isOfQueue,
  type KeyRecord,
  type MessageRecord,
  type OwedRecord,
  type PartRecord,
  type QueueRecord,
  type TombstoneRecord,
  type TopicRecord,
  TRANSFER_FIELDS,
  TRANSFER_PAGE_BYTES,
  TRANSFER_PARTS,
  type TransferPage,
  type TransferPart,
  type TransferPort,
  type TransferRecord,
  type TransferredJob,
  type TransferredSchedule,
} from './ports/transfer.ts';
export { createQueue, type QueueOptions } from './queue.ts';
export type { Enqueued, EnqueueOptions, JobPage, Queue } from './queue-contract.ts';
export {
  afterStarts,
  checkQueueLimits,
  claimWithin,
  decodeQueueLimits,
  encodeQueueLimits,
  isOver,
  type LimitedLine,
  type Load,
  restsUntil,
  roomWithin,
} from './queue-limits.ts';
export type { RemovedMany, RetriedMany, RetryAllOptions } from './queue-many.ts';
export { type PassOutcome, type ReconcilePass, reconcileQueue, reconcileQueues } from './queue-reconcile.ts';
export type { ResultOptions } from './queue-result.ts';
export type { Backoff } from './retry-policy.ts';
export { type Clock, createRuntime, type Logger, type Runtime, silentLogger } from './runtime.ts';
export type { Missed } from './schedule-plan.ts';
export type { Timing } from './schedule-timing.ts';
export type { ScheduleOptions, SchedulePage, ScheduleStatus, Schedules } from './schedules.ts';
export { decodeJson, describeIssues, encodeJson, type InputOf, type OutputOf, parse, type Schema } from './schema.ts';
export { type CopiedPart, type CopyOptions, type CopyProgress, type CopyState, copyBackend } from './transfer.ts';
export {
  heldParts,
  type InspectOptions,
  inspectBackend,
  type ListedHolding,
  type PartInspection,
} from './transfer-inspect.ts';
export {
  type PlacedRecord,
  type TransferWalk,
  transferFields,
  transferValue,
  walkPage,
} from './transfer-page.ts';
export type { WorkerEvent, WorkerJobEvent, WorkerSweepEvent } from './worker/event.ts';
export { type FailedOutput, failed, handleMany, type ManyContext, type ManyOptions } from './worker/handle-many.ts';
export { type Handler, handle, type JobContext } from './worker/handler.ts';
export {
  createLeaseKeeper,
  type LeaseHold,
  type LeaseKeeper,
  type LeaseKeeperOptions,
  type LeaseMessage,
} from './worker/lease-keeper.ts';
export { LeaseWatch, type LeaseWatchOptions } from './worker/lease-watch.ts';
export { type ActiveJob, createWorker, type Worker, type WorkerState } from './worker/worker.ts';
export type { WorkerOptions } from './worker/worker-options.ts';
