package browser_test

import (
	"context"
	"os"

	"github.com/chromedp/chromedp"
)

// startChromium starts a browser without a window that ends with the tests. The names
// under .test are this machine, others cannot be resolved: nothing leaves it.
func startChromium() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:len(chromedp.DefaultExecAllocatorOptions):len(chromedp.DefaultExecAllocatorOptions)],
		chromedp.ExecPath(os.Getenv(chromiumVar)),
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors", true), // those of httptest
		chromedp.Flag("font-render-hinting", "none"),
	)
	if os.Getuid() == 0 {
		// It refuses to run as root with one.
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	root, _ := chromedp.NewContext(allocator)
	atEnd(func() {
		_ = chromedp.Cancel(root)
		end()
	})
	return root, chromedp.Do(root)
}
