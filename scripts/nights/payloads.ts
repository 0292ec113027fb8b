import { DefaultFailureConverter, defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto, { type coresdk as core, type google, type temporal } from '@temporalio/proto';
import type { Pending } from './run.ts';

/** Values, failures and times between JavaScript and Temporal's wire, by the SDK's own converters. */
export type Failure = temporal.api.failure.v1.IFailure;
export type Long = NonNullable<core.workflow_activation.IInitializeWorkflow['randomnessSeed']>;
const { RetryState } = proto.temporal.api.enums.v1;
const converter = new DefaultFailureConverter();

export const toPayload = (value: unknown): Payload => defaultPayloadConverter.toPayload(value);
export const fromPayload = (payload: temporal.api.common.v1.IPayload): unknown =>
  defaultPayloadConverter.fromPayload(payload);
export const toFailure = (thrown: unknown): Failure => converter.errorToFailure(thrown, defaultPayloadConverter);
export const fromFailure = (failure: Failure): Error => converter.failureToError(failure, defaultPayloadConverter);
/** Milliseconds; 0 where no duration is set. */
export const ms = (d: google.protobuf.IDuration | null | undefined): number =>
  d ? Number(d.seconds ?? 0) * 1000 + (d.nanos ?? 0) / 1e6 : 0;
export const stamp = (at: number): { seconds: Long; nanos: number } => ({
  seconds: Math.floor(at / 1000) as unknown as Long,
  nanos: Math.round((at % 1000) * 1e6),
});

export function timeoutFailure(timeoutType: temporal.api.enums.v1.TimeoutType): Failure {
  return { message: 'activity timeout', timeoutFailureInfo: { timeoutType } };
}
export function activityFailure(pending: Pending, cause: Failure): Failure {
  return {
    message: 'Activity task failed',
    cause,
    activityFailureInfo: {
      activityType: { name: pending.command.activityType ?? '' },
      activityId: pending.command.activityId ?? String(pending.seq),
      retryState: RetryState.RETRY_STATE_UNSPECIFIED,
    },
  };
}
