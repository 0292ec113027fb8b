import { Context } from '@temporalio/activity';
import { randomUUID } from 'node:crypto';
import { ApplicationFailure } from '@temporalio/common';
import { FAILURE } from '../../domain/failures.ts';
import type { TelescopeGateway } from '../telescope/telescope.ts';

/** Tells Temporal that a long activity lives; nothing outside one. */
export function heartbeat(): void {
  let context: Context;
  try {
    context = Context.current();
  } catch {
    return;
  }
  context.heartbeat();
}

/** What tells one look of a session from the repetition of the same; outside an activity each is one of its own. */
export function lookId(): string {
  try {
    const { activityId, workflowExecution } = Context.current().info;
    return `${workflowExecution?.runId}/${activityId}`;
  } catch {
    return randomUUID();
  }
}

export const invalid = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, FAILURE.invalid);
export const notConnected = (message: string): ApplicationFailure =>
  ApplicationFailure.create({ message, type: FAILURE.notConnected });

/** @throws NotConnected, which Temporal tries again */
export function mustBeReady(gateway: TelescopeGateway): void {
  if (!gateway.ready)
    throw notConnected(`${gateway.id}: Voyager is not connected (${gateway.link.reason ?? gateway.link.state})`);
}
