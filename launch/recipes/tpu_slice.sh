#!/usr/bin/env bash
# Trains on a Google Cloud TPU slice of any size: one process on each of its hosts, started from where gcloud is.
# Every host needs this repository in ~/recog, set up by `pip install -e .[tpu,lmdb]`, and one shared file system
# (Filestore, or a bucket mounted by gcsfuse) with the samples and the work folder. The same command resumes a run that was
# preempted. Two lines are yours: the slice, and what is trained.
set -euo pipefail

TPU="my-slice --zone=us-central2-b"
TRAIN="--config=launch/configs/crnn.py --workdir=/mnt/shared/runs/crnn --config.data.train=lmdb:/mnt/shared/mjsynth/train --config.data.validation=lmdb:/mnt/shared/mjsynth/validation --config.model.dtype=bfloat16"

# shellcheck disable=SC2086 - both are several words
gcloud compute tpus tpu-vm ssh $TPU --worker=all \
    --command="cd recog && exec .venv/bin/python -m launch.train --distributed=auto $TRAIN"
