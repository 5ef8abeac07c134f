package format

import (
	"github.com/staffetta/staffetta/pkg/catalogue"
	"github.com/staffetta/staffetta/pkg/hook"
	"github.com/staffetta/staffetta/pkg/jsontext"
	"github.com/staffetta/staffetta/pkg/signature"
)

// headerOperation tells what happened, such as RECEIPT/CREATE.
const headerOperation = "X-Cn-Operation"

// cassaInCloud is the format of Cassa in Cloud's webhooks: a request per item, whose
// body is the item.
var cassaInCloud = entry{
	render:      renderCassaInCloud,
	signer:      signCassaInCloud,
	newSecret:   newToken,
	checkSecret: checkToken,
}

var operations = map[hook.EventType]string{hook.Create: "/CREATE", hook.Update: "/EDIT", hook.Delete: "/DELETE"}

// renderCassaInCloud writes the item as it was published, of a deleted one too: its
// last state. Where upstream gave no data there is its id.
func renderCassaInCloud(dst []byte, s subject) Request {
	item := &s.event.Items[0]
	if len(item.Data) > 0 {
		dst = append(dst, item.Data...) // byte for byte
	} else {
		dst = jsontext.AppendID(append(dst, `{"id":`...), item.ID)
		dst = append(dst, '}')
	}
	operation := headerText(catalogue.UpperSnake(s.event.ItemType)) + operations[s.event.Type]
	return Request{Body: dst, ContentType: contentTypeJSON, Header: []hook.Header{{Name: headerOperation, Value: operation}}}
}

func signCassaInCloud(secrets []Secret) (headers, error) {
	return signOnce(signature.HeaderCN, secrets, signature.NewSHA1Key), nil
}
