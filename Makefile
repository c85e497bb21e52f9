# Everything here can also be typed: the targets only give it names.

.PHONY: demo test race lint check storybook image ci

demo:            ## a local Slack workspace in the browser
	go run . demo

test:            ## the tests
	go test ./...

race:            ## the tests with the race detector
	go test -race ./...

lint:            ## formatting, vet and lint
	.ci/lint

storybook:       ## every message and form, as one page
	go run . storybook > storybook.html

image:           ## the container image, without a container engine
	.ci/image

ci:              ## what runs before anything lands
	.ci/run
