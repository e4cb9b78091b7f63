<?php
// This file is part of Moodle - http://moodle.org/
//
// Moodle is free software: you can redistribute it and/or modify
// it under the terms of the GNU General Public License as published by
// the Free Software Foundation, either version 3 of the License, or
// (at your option) any later version.
//
// Moodle is distributed in the hope that it will be useful,
// but WITHOUT ANY WARRANTY; without even the implied warranty of
// MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
// GNU General Public License for more details.
//
// You should have received a copy of the GNU General Public License
// along with Moodle.  If not, see <http://www.gnu.org/licenses/>.

namespace local_copbridge;

use local_copbridge\local\service_account;
use local_copbridge\local\service_role;

/**
 * Tests of the role of the service's account, and of what is told of the account.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 * @covers     \local_copbridge\local\service_role
 * @covers     \local_copbridge\local\service_account
 */
final class service_role_test extends \advanced_testcase {
    protected function setUp(): void {
        parent::setUp();
        $this->resetAfterTest();
        $this->setAdminUser();
    }

    /**
     * It was made at installation, and holds what functions ask for and nothing of people's.
     */
    public function test_made_at_installation(): void {
        global $DB;
        $id = service_role::ours();
        $this->assertNotNull($id);
        $held = $DB->get_fieldset_select('role_capabilities', 'capability', 'roleid = ? AND permission = ?', [$id, CAP_ALLOW]);
        $this->assertEqualsCanonicalizing(service_role::capabilities(), $held);
        $this->assertContains('local/copbridge:getdigest', $held);
        foreach (['manage', 'sethours', 'viewallhours', 'viewownhours'] as $name) {
            $this->assertNotContains("local/copbridge:$name", $held);
        }
        $this->assertSame([CONTEXT_SYSTEM], array_map('intval', array_values(get_role_contextlevels($id))));
    }

    /**
     * A role of that short name that somebody else made is not touched.
     */
    public function test_foreign_role_stays(): void {
        global $DB;
        $this->assertTrue(service_role::remove());
        $foreign = create_role('Ours', service_role::SHORTNAME, '');
        $this->assertNull(service_role::create());
        $this->assertNull(service_role::ours());
        service_role::grant(['local/copbridge:ping']);
        $this->assertFalse($DB->record_exists('role_capabilities', ['roleid' => $foreign]));
        $this->assertFalse(service_role::remove());
        $this->assertTrue($DB->record_exists('role', ['id' => $foreign]));
    }

    /**
     * It goes with the plugin, unless somebody gave it more.
     */
    public function test_remove(): void {
        $id = service_role::ours();
        $context = \context_system::instance();
        assign_capability('moodle/course:update', CAP_ALLOW, $id, $context->id);
        $this->assertFalse(service_role::remove());
        unassign_capability('moodle/course:update', $id);
        $this->assertTrue(service_role::remove());
        $this->assertNull(service_role::ours());
    }

    /**
     * An upgrade step adds what is new, and never what somebody has forbidden.
     */
    public function test_grant(): void {
        global $DB;
        $id = service_role::ours();
        $context = \context_system::instance();
        assign_capability('local/copbridge:setpresence', CAP_PROHIBIT, $id, $context->id, true);
        unassign_capability('local/copbridge:ping', $id);
        service_role::grant(['local/copbridge:ping', 'local/copbridge:setpresence']);
        $held = $DB->get_records_menu('role_capabilities', ['roleid' => $id], '', 'capability, permission');
        $this->assertEquals(CAP_ALLOW, $held['local/copbridge:ping']);
        $this->assertEquals(CAP_PROHIBIT, $held['local/copbridge:setpresence']);
    }

    /**
     * The steps to a service account, one after the other.
     */
    public function test_account(): void {
        global $CFG, $DB;
        require_once($CFG->dirroot . '/webservice/lib.php');
        $done = fn(): array => array_column((new service_account())->steps(), 'done', 'name');
        set_config('enablewebservices', 0);
        $this->assertSame(['webservices' => false, 'role' => false, 'authorise' => false, 'token' => false], $done());
        set_config('enablewebservices', 1);
        set_config('webserviceprotocols', 'rest');
        $user = $this->getDataGenerator()->create_user();
        role_assign(service_role::ours(), $user->id, SYSCONTEXTID);
        $this->assertSame(['webservices' => true, 'role' => true, 'authorise' => false, 'token' => false], $done());
        $service = $DB->get_record('external_services', ['shortname' => service_account::SERVICE], '*', MUST_EXIST);
        (new \webservice())->add_ws_authorised_user((object) ['externalserviceid' => $service->id, 'userid' => $user->id]);
        $this->assertSame(['webservices' => true, 'role' => true, 'authorise' => true, 'token' => false], $done());
        $token = \core_external\util::generate_token(EXTERNAL_TOKEN_PERMANENT, $service, $user->id, \context_system::instance());
        $this->assertFalse((new service_account())->ready());
        $this->assertArrayHasKey('unused', $done());
        $DB->set_field('external_tokens', 'lastaccess', time(), ['token' => $token]);
        $account = new service_account();
        $this->assertTrue($account->ready());
        $this->assertStringNotContainsString($token, json_encode($account->accounts()));
        $DB->set_field('external_tokens', 'validuntil', time() - 1, ['token' => $token]);
        $this->assertFalse((new service_account())->ready());
    }
}
