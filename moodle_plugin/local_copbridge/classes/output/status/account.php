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

namespace local_copbridge\output\status;

use local_copbridge\local\service_account;
use local_copbridge\local\settings;
use local_copbridge\local\words;

/**
 * The account by which the service calls this site.
 *
 * @package    local_copbridge
 * @copyright  2026 CoP Bridge
 * @license    http://www.gnu.org/copyleft/gpl.html GNU GPL v3 or later
 */
final class account {
    /** @var service_account */
    private readonly service_account $account;

    /**
     * Looks.
     */
    public function __construct() {
        $this->account = new service_account();
    }

    /**
     * Whether nothing is left to do.
     *
     * @return bool
     */
    public function ready(): bool {
        return $this->account->ready();
    }

    /**
     * What keeps the service from calling, now or later.
     *
     * @return string[] plain text
     */
    public function problems(): array {
        $ends = array_map(static fn(int $end): string => get_string(
            'admin_need_token_ends',
            'local_copbridge',
            ['date' => words::moment($end), 'site' => settings::site_or_placeholder()]
        ), $this->account->ends());
        return $this->ready() ? $ends : [get_string('admin_need_account', 'local_copbridge'), ...$ends];
    }

    /**
     * What the template needs.
     *
     * @return array
     */
    public function data(): array {
        // The links are for who sets up a site; others have no such pages.
        $admin = has_capability('moodle/site:config', \context_system::instance());
        return [
            'ready' => $this->ready(),
            'steps' => array_map(static fn(array $step): array => [
                'name' => get_string('admin_step_' . $step['name'], 'local_copbridge', settings::site_or_placeholder()),
                'done' => $step['done'],
                'url' => $admin && !$step['done'] ? $step['url']->out(false) : '',
                'linktext' => get_string('admin_step_' . $step['name'] . '_link', 'local_copbridge'),
            ], $this->account->steps()),
            'accounts' => array_map(static fn(array $one): array => [
                'name' => $one['username'],
                'url' => (new \moodle_url('/user/profile.php', ['id' => $one['userid']]))->out(false),
                'state' => get_string('admin_account_' . match (true) {
                    !$one['allowed'] => 'incapable',
                    !$one['token'] => 'tokenless',
                    default => 'good',
                }, 'local_copbridge'),
                'used' => $one['token'] ? times::ago($one['lastaccess']) : '',
                'ends' => $one['ends'] ? words::moment($one['ends']) : '',
            ], $this->account->accounts()),
        ];
    }
}
