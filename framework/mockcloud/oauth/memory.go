package oauth

import (
	"slices"
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1/workload/oidc"
	"google.golang.org/protobuf/proto"

	mockiam "github.com/wlif-conformance/wlif-conformance/framework/mockcloud/iam"
)

// memory is a cache that nobody invalidates: accounts, credentials and federations
// as they were when an exchange first met them. Only the policies of bugs use it.
type memory struct {
	mu          sync.Mutex
	accounts    map[string]*iam.ServiceAccount
	links       map[string][]mockiam.Link   // by account id
	federations map[string]*oidc.Federation // with every audience that they have had
	// under way are the lookups of an account's links, by its id.
	underWay map[string]int
}

func newMemory() *memory {
	return &memory{accounts: map[string]*iam.ServiceAccount{}, links: map[string][]mockiam.Link{}, federations: map[string]*oidc.Federation{}, underWay: map[string]int{}}
}

func (m *memory) account(id string) (*iam.ServiceAccount, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	account, ok := m.accounts[id]
	return account, ok
}

// note remembers what is new of an account and its links.
func (m *memory) note(account *iam.ServiceAccount, links []mockiam.Link) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, known := m.accounts[account.Id]; !known {
		m.accounts[account.Id] = account
	}
	for _, l := range links {
		if !slices.ContainsFunc(m.links[account.Id], func(k mockiam.Link) bool { return k.Credential.Id == l.Credential.Id }) {
			m.links[account.Id] = append(m.links[account.Id], l)
		}
		f, known := m.federations[l.Federation.Id]
		if !known {
			f = proto.CloneOf(l.Federation)
			m.federations[f.Id] = f
		}
		for _, a := range l.Federation.Audiences {
			if !slices.Contains(f.Audiences, a) {
				f.Audiences = append(f.Audiences, a)
			}
		}
	}
}

// linksOf are the links that an account has had.
func (m *memory) linksOf(accountID string) []mockiam.Link {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.links[accountID])
}

// federation is one as it was met first, but with every audience it has had.
func (m *memory) federation(id string) *oidc.Federation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return proto.CloneOf(m.federations[id])
}

// enter counts a lookup that begins and says how many were under way, leave one
// that ends.
func (m *memory) enter(accountID string) (others int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay[accountID]++
	return m.underWay[accountID] - 1
}

func (m *memory) leave(accountID string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.underWay[accountID]--
}
