package iam

import (
	"context"
	"slices"

	"github.com/yandex-cloud/go-genproto/yandex/cloud/iam/v1"

	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/access"
	"github.com/wlif-conformance/wlif-conformance/framework/mockcloud/kernel"
)

type roleServer struct {
	iam.UnimplementedRoleServiceServer
	*IAM
}

func (s *IAM) roleService() kernel.Service {
	return kernel.Service{Desc: &iam.RoleService_ServiceDesc, Impl: &roleServer{IAM: s}, Rules: map[string]kernel.Rule{
		"Get": kernel.AnyCaller(), "List": kernel.AnyCaller(),
	}}
}

func (s *roleServer) all() []*iam.Role {
	var out []*iam.Role
	for _, r := range access.Roles() {
		out = append(out, &iam.Role{Id: r.ID, Description: r.Description})
	}
	return out
}

func (s *roleServer) Get(_ context.Context, req *iam.GetRoleRequest) (*iam.Role, error) {
	all := s.all()
	if i := slices.IndexFunc(all, func(r *iam.Role) bool { return r.Id == req.RoleId }); i >= 0 {
		return all[i], nil
	}
	return nil, s.k.NotFound("iam.role", req.RoleId)
}

func (s *roleServer) List(_ context.Context, req *iam.ListRolesRequest) (*iam.ListRolesResponse, error) {
	rows, err := kernel.Filter(s.all(), req.Filter)
	if err != nil {
		return nil, err
	}
	page, next, err := kernel.Page(rows, req, (*iam.Role).GetId)
	return &iam.ListRolesResponse{Roles: page, NextPageToken: next}, err
}

type userServer struct {
	iam.UnimplementedUserAccountServiceServer
	*IAM
}

func (s *IAM) userService() kernel.Service {
	return kernel.Service{Desc: &iam.UserAccountService_ServiceDesc, Impl: &userServer{IAM: s}, Rules: map[string]kernel.Rule{"Get": kernel.AnyCaller()}}
}

func (s *userServer) Get(_ context.Context, req *iam.GetUserAccountRequest) (*iam.UserAccount, error) {
	user, ok := s.users.Get(req.UserAccountId)
	if !ok {
		return nil, s.k.NotFound(KindUser, req.UserAccountId)
	}
	return user, nil
}
