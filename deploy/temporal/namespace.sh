#!/bin/sh
# The namespace, closed runs kept for 30 days, and the search attributes of sessions. A second run changes nothing.
set -eu
export TEMPORAL_ADDRESS="${TEMPORAL_ADDRESS:-temporal:7233}"
namespace=${TEMPORAL_NAMESPACE:-default}
temporal operator namespace describe --namespace "$namespace" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$namespace" --retention 720h
temporal operator search-attribute create --namespace "$namespace" \
  --name BookingId --type Keyword --name TelescopeId --type Keyword --name SessionPhase --type Keyword --name SessionStart --type Datetime
