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

namespace local_copbridge\local;

/**
 * Whether the service can call this site: web services, an account, its token. Tokens themselves are never read.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class service_account {
    /** @var string the external service */
    public const SERVICE = service_role::SERVICE;

    /** @var int accounts that are looked at; there is one, as a rule */
    private const LIMIT = 10;

    /** @var \stdClass|null the external service */
    private readonly ?\stdClass $service;

    /** @var array[] what is known of each account */
    private readonly array $accounts;

    /**
     * Looks.
     */
    public function __construct() {
        global $DB;
        $this->service = $DB->get_record('external_services', ['shortname' => self::SERVICE]) ?: null;
        $this->accounts = $this->service ? array_map($this->account(...), $this->authorised()) : [];
    }

    /**
     * Whether an account can call everything.
     *
     * @return bool
     */
    public function ready(): bool {
        return !in_array(false, array_column($this->steps(), 'done'), true);
    }

    /**
     * The accounts that are authorised.
     *
     * @return array[] userid, username, allowed, token, lastaccess, ends
     */
    public function accounts(): array {
        return array_values($this->accounts);
    }

    /**
     * What has to be done once, in its order.
     *
     * @return array[] name and done; then what its words need, and where it is done
     */
    public function steps(): array {
        global $CFG;
        $rest = in_array('rest', explode(',', $CFG->webserviceprotocols ?? ''), true);
        $role = service_role::ours();
        return [
            [
                'name' => 'webservices',
                'done' => !empty($CFG->enablewebservices) && $rest && !empty($this->service->enabled),
                'url' => new \moodle_url('/admin/settings.php', ['section' => 'webservicesoverview']),
            ],
            [
                'name' => $role ? 'role' : 'ownrole',
                'done' => (bool) $this->having('allowed') || $role && $this->holders($role),
                'url' => $role
                    ? new \moodle_url('/admin/roles/assign.php', ['contextid' => SYSCONTEXTID, 'roleid' => $role])
                    : new \moodle_url('/admin/roles/manage.php'),
            ],
            [
                'name' => 'authorise',
                'done' => (bool) $this->having('allowed'),
                'url' => new \moodle_url('/admin/webservice/service_users.php', ['id' => $this->service->id ?? 0]),
            ],
            $this->token_step(),
        ];
    }

    /**
     * The last days of the tokens that have one, each day once.
     *
     * @return int[] Unix seconds
     */
    public function ends(): array {
        return array_values(array_unique(array_filter(array_column($this->having('allowed'), 'ends'))));
    }

    /**
     * The last step: a token is there, and the service has called with it.
     *
     * @return array as in steps()
     */
    private function token_step(): array {
        $tokens = array_filter($this->having('token'), static fn(array $one): bool => $one['allowed']);
        return [
            'name' => $tokens ? 'unused' : 'token',
            'done' => array_sum(array_column($tokens, 'lastaccess')) > 0,
            'url' => new \moodle_url('/admin/webservice/tokens.php', $tokens ? [] : ['action' => 'create']),
        ];
    }

    /**
     * The accounts of which something is true.
     *
     * @param string $what
     * @return array[]
     */
    private function having(string $what): array {
        return array_filter($this->accounts, static fn(array $one): bool => (bool) $one[$what]);
    }

    /**
     * Whether anybody has a role on the whole site.
     *
     * @param int $role
     * @return bool
     */
    private function holders(int $role): bool {
        global $DB;
        return $DB->record_exists('role_assignments', ['roleid' => $role, 'contextid' => SYSCONTEXTID]);
    }

    /**
     * Who is authorised for the service.
     *
     * @return \stdClass[] users
     */
    private function authorised(): array {
        global $DB;
        $sql = 'SELECT u.id, u.username, u.suspended, su.validuntil
                  FROM {external_services_users} su
                  JOIN {user} u ON u.id = su.userid
                 WHERE su.externalserviceid = :service AND u.deleted = 0
              ORDER BY su.id';
        return $DB->get_records_sql($sql, ['service' => $this->service->id], 0, self::LIMIT);
    }

    /**
     * What is known of an account.
     *
     * @param \stdClass $user
     * @return array
     */
    private function account(\stdClass $user): array {
        global $DB;
        $now = \core\di::get(\core\clock::class)->time();
        // Of several tokens the one that is in use counts; where none is, the latest.
        $sql = 'SELECT id, lastaccess, validuntil
                  FROM {external_tokens}
                 WHERE externalserviceid = :service AND userid = :user
                       AND (validuntil IS NULL OR validuntil = 0 OR validuntil > :now)
              ORDER BY COALESCE(lastaccess, 0) DESC, id DESC';
        $params = ['service' => $this->service->id, 'user' => $user->id, 'now' => $now];
        $tokens = $DB->get_records_sql($sql, $params, 0, 1);
        $token = reset($tokens);
        $usable = !$user->suspended && (!$user->validuntil || $user->validuntil > $now);
        return [
            'userid' => (int) $user->id,
            'username' => $user->username,
            'allowed' => $usable && has_all_capabilities(
                service_role::capabilities(),
                \context_system::instance(),
                (int) $user->id
            ),
            'token' => (bool) $token,
            'lastaccess' => (int) ($token->lastaccess ?? 0),
            'ends' => (int) ($token->validuntil ?? 0),
        ];
    }
}
