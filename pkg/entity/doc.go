// Package entity is the kit of the domain services: collections of items over
// REST, their state in SQL, and the event of each change written in the same
// transaction.
//
// A collection answers
//
//	GET    /{collection}?limit=&cursor=   a page, newest first; more parameters
//	                                      filter it, see Filter
//	POST   /{collection}                  an object: one item; an array: several
//	PATCH  /{collection}                  an array of patches, each with its id
//	DELETE /{collection}?id=10&id=31      several
//	GET    /{collection}/{id}
//	PATCH  /{collection}/{id}             a JSON merge patch (RFC 7396)
//	DELETE /{collection}/{id}
//	POST   /{collection}/{id}/{action}    what a collection declares; see Action
//
// An item is a JSON object: the fields id, ref, version, createdAt and
// updatedAt are the service's, all others are the caller's and come back as
// they were written, numbers digit by digit. The collection's Fields have
// rules; fields that it does not name are kept and not judged.
//
// A change of several items is all or nothing and one event; only items of
// different stores are told apart, one event per store, because an event is
// shown to the webhooks of its store. A patch that changes nothing changes no
// version and makes no event. Deleting an item leaves those that name it as
// their parent.
//
// A collection may have Rules of its own: they run inside the transaction of a change,
// set derived fields, refuse, and change other items, each with its event.
package entity
