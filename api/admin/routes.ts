import { allComplaints, answerComplaint } from '../bookings/complaints.ts';
import { analyticsCsv } from './analytics-csv.ts';
import { analytics } from './analytics.ts';
import { getDelivery, listDeliveries, replayDeliveries, replayDelivery } from './deliveries.ts';
import { adminOverview, listAudit } from './overview.ts';
import { routes } from '../operation.ts';

export const adminRoutes = routes(
  listDeliveries,
  getDelivery,
  replayDelivery,
  replayDeliveries,
  analytics,
  analyticsCsv,
  allComplaints,
  answerComplaint,
  listAudit,
  adminOverview,
);
