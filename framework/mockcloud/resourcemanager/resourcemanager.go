// Package resourcemanager is clouds and folders of the mock cloud. Its cloud and
// folders are given when it starts; a folder can be made and deleted like on the
// real one.
package resourcemanager

import (
	"context"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/operation"
	"github.com/yandex-cloud/go-genproto/yandex/cloud/resourcemanager/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/state"
)

// Kinds of resources.
const (
	KindCloud  = "resource-manager.cloud"
	KindFolder = "resource-manager.folder"
)

// Manager holds clouds and folders.
type Manager struct {
	k       *kernel.Kernel
	clouds  *state.Table[*resourcemanager.Cloud]
	folders *state.Table[*resourcemanager.Folder]
}

// New makes the service.
func New(k *kernel.Kernel) *Manager {
	return &Manager{k: k, clouds: state.NewTable[*resourcemanager.Cloud](k.Store, KindCloud),
		folders: state.NewTable[*resourcemanager.Folder](k.Store, KindFolder)}
}

// AddCloud makes a cloud.
func (m *Manager) AddCloud(name string) string {
	id := kernel.NewID(kernel.PrefixFolder)
	_ = m.clouds.Insert(&resourcemanager.Cloud{Id: id, Name: name, CreatedAt: timestamppb.New(m.k.Clock.Now())}, nil)
	return id
}

// AddFolder makes an active folder.
func (m *Manager) AddFolder(cloudID, name string) string {
	f := m.folder(cloudID, name)
	_ = m.folders.Insert(f, nil)
	return f.Id
}

func (m *Manager) folder(cloudID, name string) *resourcemanager.Folder {
	return &resourcemanager.Folder{Id: kernel.NewID(kernel.PrefixFolder), CloudId: cloudID, Name: name,
		CreatedAt: timestamppb.New(m.k.Clock.Now()), Status: resourcemanager.Folder_ACTIVE}
}

// Services are the gRPC services with their rules.
func (m *Manager) Services() []kernel.Service {
	folders := kernel.AccessAPI{K: m.k, Kind: KindFolder, Prefix: kernel.PrefixFolder}
	clouds := kernel.AccessAPI{K: m.k, Kind: KindCloud, Prefix: kernel.PrefixFolder}
	folderPolicies := kernel.PolicyAPI{K: m.k, Kind: KindFolder, Prefix: kernel.PrefixFolder}
	cloudPolicies := kernel.PolicyAPI{K: m.k, Kind: KindCloud, Prefix: kernel.PrefixFolder}
	folder := func(verb string) kernel.Rule {
		return kernel.Needs("resource-manager.folders."+verb, KindFolder, "folder_id")
	}
	return []kernel.Service{
		{Desc: &resourcemanager.FolderService_ServiceDesc, Impl: &folderServer{Manager: m, AccessAPI: folders, PolicyAPI: folderPolicies},
			Rules: folderPolicies.Rules("resource-manager.folders", folders.Rules("resource-manager.folders", map[string]kernel.Rule{
				"Get": folder("get"), "Update": folder("update"), "Delete": folder("delete"), "ListOperations": folder("get"),
				"List":   kernel.AnyCaller(), // only what the caller may see is listed
				"Create": kernel.Needs("resource-manager.folders.create", KindCloud, "cloud_id"),
			}))},
		{Desc: &resourcemanager.CloudService_ServiceDesc, Impl: &cloudServer{Manager: m, AccessAPI: clouds, PolicyAPI: cloudPolicies},
			Rules: cloudPolicies.Rules("resource-manager.clouds", clouds.Rules("resource-manager.clouds", map[string]kernel.Rule{
				"Get":  kernel.AnyCaller(), // whoever has a role in one of its folders sees the cloud
				"List": kernel.AnyCaller(),
			}))},
	}
}

// unimplementedFolder lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedFolder struct {
	resourcemanager.UnimplementedFolderServiceServer
}

type folderServer struct {
	unimplementedFolder
	*Manager
	kernel.AccessAPI
	kernel.PolicyAPI
}

func (s *folderServer) Get(_ context.Context, req *resourcemanager.GetFolderRequest) (*resourcemanager.Folder, error) {
	f, ok := s.folders.Get(req.FolderId)
	if !ok {
		return nil, s.k.NotFound(KindFolder, req.FolderId)
	}
	return f, nil
}

func (s *folderServer) List(ctx context.Context, req *resourcemanager.ListFoldersRequest) (*resourcemanager.ListFoldersResponse, error) {
	var seen []*resourcemanager.Folder
	for _, f := range s.folders.List(func(f *resourcemanager.Folder) bool { return f.CloudId == req.CloudId }) {
		if s.k.Allowed(ctx, "resource-manager.folders.get", state.Ref{Type: KindFolder, ID: f.Id}) {
			seen = append(seen, f)
		}
	}
	rows, err := kernel.Filter(seen, req.Filter)
	if err != nil {
		return nil, err
	}
	page, next, err := kernel.Page(rows, req, (*resourcemanager.Folder).GetId)
	return &resourcemanager.ListFoldersResponse{Folders: page, NextPageToken: next}, err
}

func (s *folderServer) begin(ctx context.Context, id, what string, meta, resp proto.Message) (*operation.Operation, error) {
	return s.k.Begin(ctx, kernel.Op{Description: what, Prefix: kernel.PrefixFolder, Metadata: meta, On: state.Ref{Type: KindFolder, ID: id},
		Work: func(context.Context) (proto.Message, error) { return resp, nil }})
}

func (s *folderServer) Create(ctx context.Context, req *resourcemanager.CreateFolderRequest) (*operation.Operation, error) {
	f := s.folder(req.CloudId, req.Name)
	f.Description, f.Labels = req.Description, req.Labels
	err := s.folders.Insert(f, func(have *resourcemanager.Folder) error {
		if have.CloudId == f.CloudId && have.Name == f.Name {
			return kernel.Errorf(codes.AlreadyExists, "Folder '%s' already exists", f.Name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, f.Id, "Create folder", &resourcemanager.CreateFolderMetadata{FolderId: f.Id}, f)
}

func (s *folderServer) Update(ctx context.Context, req *resourcemanager.UpdateFolderRequest) (*operation.Operation, error) {
	f, ok, err := s.folders.Modify(req.FolderId, func(f *resourcemanager.Folder) error { return kernel.ApplyMask(f, req, req.UpdateMask, nil) })
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, s.k.NotFound(KindFolder, req.FolderId)
	}
	return s.begin(ctx, f.Id, "Update folder", &resourcemanager.UpdateFolderMetadata{FolderId: f.Id}, f)
}

// Delete refuses a folder with something in it, where the real one would delete
// that too after a week: the mock has no use for a delayed disaster.
func (s *folderServer) Delete(ctx context.Context, req *resourcemanager.DeleteFolderRequest) (*operation.Operation, error) {
	for _, m := range s.k.Store.Inventory() {
		if m.FolderID == req.FolderId {
			return nil, kernel.Errorf(codes.FailedPrecondition, "Folder %s is not empty: %s %s", req.FolderId, m.Type, m.ID)
		}
	}
	if !s.folders.Delete(req.FolderId) {
		return nil, s.k.NotFound(KindFolder, req.FolderId)
	}
	s.k.Bindings.Drop(state.Ref{Type: KindFolder, ID: req.FolderId})
	return s.begin(ctx, req.FolderId, "Delete folder", &resourcemanager.DeleteFolderMetadata{FolderId: req.FolderId, DeleteAfter: req.DeleteAfter}, nil)
}

func (s *folderServer) ListOperations(_ context.Context, req *resourcemanager.ListFolderOperationsRequest) (*resourcemanager.ListFolderOperationsResponse, error) {
	ops, next, err := s.k.OperationsOn(state.Ref{Type: KindFolder, ID: req.FolderId}, req)
	return &resourcemanager.ListFolderOperationsResponse{Operations: ops, NextPageToken: next}, err
}

// unimplementedCloud lies one level deeper than AccessAPI, whose methods go before its own.
type unimplementedCloud struct {
	resourcemanager.UnimplementedCloudServiceServer
}

type cloudServer struct {
	unimplementedCloud
	*Manager
	kernel.AccessAPI
	kernel.PolicyAPI
}

func (s *cloudServer) visible(ctx context.Context, cloudID string) bool {
	if s.k.Allowed(ctx, "resource-manager.clouds.get", state.Ref{Type: KindCloud, ID: cloudID}) {
		return true
	}
	for _, f := range s.folders.List(func(f *resourcemanager.Folder) bool { return f.CloudId == cloudID }) {
		if s.k.Allowed(ctx, "resource-manager.folders.get", state.Ref{Type: KindFolder, ID: f.Id}) {
			return true
		}
	}
	return false
}

func (s *cloudServer) Get(ctx context.Context, req *resourcemanager.GetCloudRequest) (*resourcemanager.Cloud, error) {
	c, ok := s.clouds.Get(req.CloudId)
	if !ok {
		return nil, s.k.NotFound(KindCloud, req.CloudId)
	}
	if !s.visible(ctx, c.Id) {
		return nil, kernel.Errorf(codes.PermissionDenied, "Permission to [%s %s] denied", KindCloud, c.Id)
	}
	return c, nil
}

func (s *cloudServer) List(ctx context.Context, req *resourcemanager.ListCloudsRequest) (*resourcemanager.ListCloudsResponse, error) {
	var seen []*resourcemanager.Cloud
	for _, c := range s.clouds.List(nil) {
		if s.visible(ctx, c.Id) {
			seen = append(seen, c)
		}
	}
	rows, err := kernel.Filter(seen, req.Filter)
	if err != nil {
		return nil, err
	}
	page, next, err := kernel.Page(rows, req, (*resourcemanager.Cloud).GetId)
	return &resourcemanager.ListCloudsResponse{Clouds: page, NextPageToken: next}, err
}
