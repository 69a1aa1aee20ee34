package test

import (
	"context"
	"testing"
	"time"

	"hotcell"
)

// BenchmarkJobStartInAnImage is a job from accepted to its first instruction, with an
// image as its root, beside one of the machine's /usr in the same run.
func BenchmarkJobStartInAnImage(b *testing.B) {
	s, _ := imageServer(b, "")
	imagesOK(b, s, "add", "oci:"+layoutOf(b, imageOf(b, nil, small(b))), "--name", "own")
	s.OK("assignments", "create", "in-usr", "--command", "exit 0")
	s.OK("assignments", "create", "in-image", "--image", "own", "--command", "exit 0")
	ctx := context.Background()
	first := func(name string) time.Duration {
		list, err := s.Client.Assignments(ctx, name)
		if err != nil {
			b.Fatal(err)
		}
		j, err := s.Client.Run(ctx, list[0].ID, nil)
		if err == nil {
			j, err = s.Client.Follow(ctx, j.ID, func(hotcell.LogChunk) error { return nil })
		}
		if err != nil || j.State != hotcell.JobSucceeded {
			b.Fatalf("%+v %v", j, err)
		}
		return j.StartedAt.Sub(j.CreatedAt)
	}
	var usr, image []time.Duration
	for b.Loop() {
		usr, image = append(usr, first("in-usr")), append(image, first("in-image"))
	}
	inUsr, _ := quantiles(usr)
	inImage, _ := quantiles(image)
	b.ReportMetric(inUsr, "usr-p50-ms")
	b.ReportMetric(inImage, "image-p50-ms")
	b.ReportMetric(inImage/inUsr, "ratio")
}
